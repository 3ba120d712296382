using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors.Kernel;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Kernel;

public sealed class ActorTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly ManualTimeProvider _time = new();
    private readonly ActorSystem _system;
    private int _created;

    public ActorTests() => _system = new ActorSystem(_time, NullLogger<ActorSystem>.Instance);

    private ActorRef<Probe> Start(Supervision? supervision = null, Func<ProbeActor, Task>? started = null) => _system.Start("probe", () => new ProbeActor(Interlocked.Increment(ref _created), started), supervision);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _system.DisposeAsync();

    [Fact]
    public async Task Messages_of_many_senders_are_received_one_at_a_time_and_none_is_lost()
    {
        var probe = Start();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 5000; i++) probe.Tell(new Probe.Add(1));
        })));
        Assert.Equal(40_000, await Sum(probe));
    }

    [Fact]
    public async Task An_asker_gets_the_answer_of_its_own_question()
    {
        var probe = Start();
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => probe.AskAsync<int>(r => new Probe.Echo(i, r), default)));
        Assert.Equal(Enumerable.Range(0, 100), answers);
    }

    [Fact]
    public async Task A_second_completion_of_a_reply_is_ignored()
    {
        var probe = Start();
        Assert.Equal(1, await probe.AskAsync<int>(r => new Probe.Call(_ =>
        {
            r.Success(1);
            r.Success(2);
            r.Failure(new TimeoutException());
        }), default).WaitAsync(Limit));
    }

    [Fact]
    public async Task The_asker_of_a_failed_message_gets_the_failure_and_the_actor_is_restarted_on_the_same_mailbox()
    {
        var probe = Start();
        probe.Tell(new Probe.Add(5));
        var failing = probe.AskAsync<int>(_ => new Probe.Fail(), default);
        probe.Tell(new Probe.Add(7));
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => failing.WaitAsync(Limit));
        Assert.Equal(7, await Sum(probe)); // A new object: the 5 is gone, the 7 waited in the mailbox.
        Assert.Equal(2, _created);
    }

    [Fact]
    public async Task A_question_that_the_failed_object_had_kept_fails_with_it()
    {
        var probe = Start();
        var kept = probe.AskAsync<int>(r => new Probe.Keep(r), default);
        probe.Tell(new Probe.Fail());
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => kept.WaitAsync(Limit));
    }

    [Fact]
    public async Task Too_many_failures_within_the_window_stop_the_actor_and_tell_those_who_wait()
    {
        var probe = Start(new Supervision { MaxRestarts = 2, Window = TimeSpan.FromSeconds(10) });
        for (var i = 0; i < 3; i++) probe.Tell(new Probe.Fail());
        var late = probe.AskAsync<int>(r => new Probe.Echo(1, r), default);
        await Assert.ThrowsAsync<ActorStoppedException>(() => late.WaitAsync(Limit));
        await probe.Stopped.WaitAsync(Limit);
        Assert.Equal(3, _created);
        Assert.Empty(_system.Paths);
    }

    [Fact]
    public async Task Failures_outside_the_window_are_forgotten()
    {
        var probe = Start(new Supervision { MaxRestarts = 1, Window = TimeSpan.FromSeconds(10) });
        for (var i = 0; i < 4; i++)
        {
            probe.Tell(new Probe.Fail());
            await Sum(probe);
            _time.Advance(TimeSpan.FromSeconds(11));
        }

        Assert.Equal(5, _created);
    }

    [Fact]
    public async Task A_failing_start_counts_as_a_failure()
    {
        var attempts = 0;
        var probe = Start(started: _ => ++attempts < 3 ? Task.FromException(new InvalidTimeZoneException()) : Task.CompletedTask);
        Assert.Equal(0, await Sum(probe));
        Assert.Equal(3, attempts);
    }

    [Fact]
    public async Task No_message_is_received_before_the_start_has_ended()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var probe = Start(started: async actor =>
        {
            await gate.Task;
            actor.Total = 100;
        });
        probe.Tell(new Probe.Add(1));
        var sum = Sum(probe);
        Assert.False(sum.IsCompleted);
        gate.SetResult();
        Assert.Equal(101, await sum);
    }

    [Fact]
    public async Task The_outcome_of_piped_work_comes_back_as_a_message_and_so_does_its_failure()
    {
        var probe = Start();
        var work = new TaskCompletionSource<int>();
        probe.Tell(new Probe.Call(actor => actor.Pipe(work.Task)));
        probe.Tell(new Probe.Call(actor => actor.Pipe(Task.FromException<int>(new InvalidTimeZoneException()))));
        work.SetResult(20);
        await Until(probe, actor => actor.Total == 20 && actor.PipedFailure is InvalidTimeZoneException);
    }

    [Fact]
    public async Task Stopping_cancels_piped_work_and_waits_for_its_end_before_the_actor_is_told()
    {
        var probe = Start();
        var order = new List<string>();
        await probe.AskAsync<int>(r => new Probe.Call(actor =>
        {
            actor.OnStopped = () => order.Add("stopped");
            actor.Pipe(Work(actor.Token));
            r.Success(0);
        }), default).WaitAsync(Limit);

        await probe.StopAsync().WaitAsync(Limit);
        Assert.Equal(["work ended", "stopped"], order);

        async Task<int> Work(CancellationToken stopping)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
            order.Add("work ended");
            return 0;
        }
    }

    [Fact]
    public async Task Stopping_fails_questions_that_are_open_or_still_in_the_mailbox_or_come_later()
    {
        var probe = Start();
        using var inHand = new ManualResetEventSlim();
        var kept = probe.AskAsync<int>(r => new Probe.Keep(r), default);
        var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        probe.Tell(new Probe.Call(_ =>
        {
            received.SetResult();
            inHand.Wait();
        }));
        await received.Task.WaitAsync(Limit);
        var waiting = probe.AskAsync<int>(r => new Probe.Echo(1, r), default);
        var stopped = probe.StopAsync();
        inHand.Set();
        await stopped.WaitAsync(Limit);

        await Assert.ThrowsAsync<ActorStoppedException>(() => kept.WaitAsync(Limit));
        await Assert.ThrowsAsync<ActorStoppedException>(() => waiting.WaitAsync(Limit));
        var error = await Assert.ThrowsAsync<ActorStoppedException>(() => probe.AskAsync<int>(r => new Probe.Echo(1, r), default).WaitAsync(Limit));
        Assert.Equal("Actor probe has stopped and answers no more.", error.Message);
        probe.Tell(new Probe.Add(1));
    }

    [Fact]
    public async Task Cancelling_ends_the_waiting_and_not_the_actor()
    {
        var probe = Start();
        using var cancel = new CancellationTokenSource();
        var kept = probe.AskAsync<int>(r => new Probe.Keep(r), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => kept.WaitAsync(Limit));
        Assert.Equal(0, await Sum(probe));
    }

    [Fact]
    public async Task A_scheduled_message_comes_when_it_is_due_and_not_before()
    {
        var probe = Start();
        await Run(probe, actor => actor.Later(TimeSpan.FromSeconds(5), new Probe.Add(1)));
        _time.Advance(TimeSpan.FromSeconds(4.999));
        Assert.Equal(0, await Sum(probe));
        _time.Advance(TimeSpan.FromSeconds(0.001));
        Assert.Equal(1, await Sum(probe));
    }

    [Fact]
    public async Task A_disposed_timer_is_not_received_even_if_its_message_lies_in_the_mailbox()
    {
        var probe = Start();
        await Run(probe, actor =>
        {
            var timer = actor.Later(TimeSpan.FromSeconds(1), new Probe.Add(1));
            _time.Advance(TimeSpan.FromSeconds(2));
            timer.Dispose();
        });
        Assert.Equal(0, await Sum(probe));
    }

    [Fact]
    public async Task A_restart_disposes_the_timers_of_the_failed_object()
    {
        var probe = Start();
        await Run(probe, actor => actor.Later(TimeSpan.FromSeconds(1), new Probe.Add(1)));
        probe.Tell(new Probe.Fail());
        await Sum(probe);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(0, await Sum(probe));
        Assert.Equal(0, _time.WaitingTimers);
    }

    [Fact]
    public async Task An_actor_may_stop_itself()
    {
        var probe = Start();
        probe.Tell(new Probe.Call(actor => actor.End()));
        await probe.Stopped.WaitAsync(Limit);
        Assert.Empty(_system.Paths);
    }

    [Fact]
    public async Task A_path_is_taken_until_its_actor_has_stopped()
    {
        var probe = Start();
        Assert.Throws<InvalidOperationException>(() => Start());
        Assert.Throws<ArgumentException>(() => _system.Start("a//b", () => new ProbeActor(0, null)));
        await probe.StopAsync().WaitAsync(Limit);
        Assert.Equal(0, await Sum(Start()));
    }

    [Fact]
    public async Task The_system_stops_what_is_below_a_path_before_the_path()
    {
        var order = new List<string>();
        foreach (var path in new[] { "node", "node/applications", "node/applications/web" })
        {
            var actor = _system.Start(path, () => new ProbeActor(0, null));
            await Run(actor, a => a.OnStopped = () => order.Add(path));
        }

        Assert.Equal(["node", "node/applications", "node/applications/web"], _system.Paths);
        await _system.DisposeAsync().AsTask().WaitAsync(Limit);
        Assert.Equal(["node/applications/web", "node/applications", "node"], order);
        Assert.Throws<ObjectDisposedException>(() => Start());
    }

    private static Task<int> Sum(ActorRef<Probe> probe) => probe.AskAsync<int>(r => new Probe.Sum(r), default).WaitAsync(Limit);

    private static Task Run(ActorRef<Probe> probe, Action<ProbeActor> what) => probe.AskAsync<int>(r => new Probe.Call(actor =>
    {
        what(actor);
        r.Success(0);
    }), default).WaitAsync(Limit);

    private static async Task Until(ActorRef<Probe> probe, Func<ProbeActor, bool> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await probe.AskAsync<bool>(r => new Probe.Call(actor => r.Success(condition(actor))), limit.Token)) await Task.Yield();
    }
}

internal abstract record Probe
{
    public sealed record Add(int Number) : Probe;

    public sealed record Sum(Reply<int> Reply) : Probe;

    public sealed record Echo(int Number, Reply<int> Reply) : Probe;

    public sealed record Keep(Reply<int> Reply) : Probe;

    public sealed record Fail : Probe;

    public sealed record PipeFailed(Exception Error) : Probe;

    public sealed record Call(Action<ProbeActor> What) : Probe;
}

internal sealed class ProbeActor(int number, Func<ProbeActor, Task>? started) : Actor<Probe>
{
    private Reply<int>? _kept;

    public int Number { get; } = number;

    public int Total { get; set; }

    public Exception? PipedFailure { get; private set; }

    public Action? OnStopped { get; set; }

    public CancellationToken Token => Context.Stopping;

    public void Pipe(Task<int> task) => PipeTo(task, result => new Probe.Add(result), error => new Probe.PipeFailed(error));

    public IDisposable Later(TimeSpan delay, Probe message) => Schedule(delay, message);

    public void End() => Stop();

    protected override Task StartedAsync() => started?.Invoke(this) ?? Task.CompletedTask;

    protected override void Receive(Probe message)
    {
        switch (message)
        {
            case Probe.Add add:
                Total += add.Number;
                break;
            case Probe.Sum sum:
                sum.Reply.Success(Total);
                break;
            case Probe.Echo echo:
                echo.Reply.Success(echo.Number);
                break;
            case Probe.Keep keep:
                _kept = keep.Reply;
                Assert.NotNull(_kept);
                break;
            case Probe.PipeFailed failed:
                PipedFailure = failed.Error;
                break;
            case Probe.Call call:
                call.What(this);
                break;
            case Probe.Fail:
                throw new InvalidTimeZoneException("failed on request");
        }
    }

    protected override ValueTask StoppedAsync()
    {
        OnStopped?.Invoke();
        return ValueTask.CompletedTask;
    }
}
