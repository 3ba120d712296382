using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors;
using Vni.Actors.Messaging;
using Vni.Actors.Security;
using Vni.Cluster.Messaging;
using Xunit;

namespace Vni.Unit.Tests.Messaging;

/// <summary>Two nodes on loopback and what goes between them, over TLS and without.</summary>
public sealed class PlainMessengerTests() : HttpMessengerTests(tls: false);

public abstract class HttpMessengerTests(bool tls) : IAsyncLifetime
{
    private protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private protected TestFarm Farm { get; } = new(tls);

    private protected TestPeer A { get; private set; } = null!;

    private protected TestPeer B { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        A = await Farm.StartAsync("n1");
        B = await Farm.StartAsync("n2");
    }

    public async Task DisposeAsync() => await Farm.DisposeAsync();

    [Fact]
    public async Task A_question_is_answered()
    {
        B.Peers.On(TestMessages.Add, (context, sum, _) =>
        {
            Assert.Equal(new PeerContext("n1", "c-1"), context);
            return Task.FromResult(new Total(sum.Left + sum.Right));
        });
        Assert.Equal(new Total(5), await AskAsync("n2", id: "c-1"));
    }

    [Fact]
    public async Task A_node_asks_itself_without_the_network()
    {
        A.Peers.On(TestMessages.Add, (context, sum, _) => Task.FromResult(new Total(sum.Left + sum.Right)));
        Farm["n1"] = "192.0.2.1:1";
        Assert.Equal(new Total(5), await AskAsync("n1"));
    }

    [Fact]
    public async Task A_refusal_comes_back_as_it_was_thrown()
    {
        B.Peers.On(TestMessages.Add, (_, _, _) => throw new VniException(ErrorCodes.NoSpace, "the disk of n2 is full"));
        var refused = await Assert.ThrowsAsync<VniException>(() => AskAsync("n2"));
        Assert.Equal((ErrorCodes.NoSpace, "the disk of n2 is full"), (refused.Code, refused.Message));
    }

    [Fact]
    public async Task A_repeated_command_is_done_once()
    {
        var done = 0;
        B.Peers.On(TestMessages.Add, (_, _, _) => Task.FromResult(new Total(Interlocked.Increment(ref done))));
        Assert.Equal(new Total(1), await AskAsync("n2", id: "same"));
        Assert.Equal(new Total(1), await AskAsync("n2", id: "same"));
        Assert.Equal(new Total(2), await AskAsync("n2", id: "other"));
    }

    [Fact]
    public async Task A_node_that_is_no_member_or_does_not_listen_is_unreachable()
    {
        await Assert.ThrowsAsync<PeerUnreachableException>(() => AskAsync("n9"));
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        Farm["n9"] = closed.LocalEndpoint.ToString();
        closed.Stop();
        await Assert.ThrowsAsync<PeerUnreachableException>(() => AskAsync("n9"));
        await Assert.ThrowsAsync<PeerUnreachableException>(() => A.Messenger.SendAsync("n9", TestMessages.Pour, new Sum(1, 2), (_, _) => Task.CompletedTask, default));
    }

    [Fact]
    public async Task An_answer_that_does_not_come_in_time_leaves_the_question_open()
    {
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource<Total>();
        B.Peers.On(TestMessages.Add, (_, _, _) =>
        {
            asked.SetResult();
            return answer.Task;
        });
        await Assert.ThrowsAsync<PeerSilentException>(() => AskAsync("n2", id: "slow", timeout: TimeSpan.FromSeconds(1)));
        await asked.Task;
        var again = AskAsync("n2", id: "slow");
        answer.SetResult(new Total(7));
        Assert.Equal(new Total(7), await again);
    }

    [Fact]
    public async Task A_cancelled_question_is_cancelled()
    {
        using var gone = new CancellationTokenSource();
        B.Peers.On(TestMessages.Add, async (_, _, stopping) =>
        {
            await gone.CancelAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stopping);
            return new Total(0);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            A.Messenger.AskAsync("n2", TestMessages.Add, new Sum(1, 2), "c", Patience, gone.Token));
    }

    [Fact]
    public async Task A_node_that_dies_while_it_is_asked_is_silent()
    {
        B.Peers.On(TestMessages.Add, async (_, _, _) =>
        {
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await B.Server.StopAsync(now.Token);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, default);
            return new Total(0);
        });
        await Assert.ThrowsAsync<PeerSilentException>(() => AskAsync("n2"));
    }

    [Fact]
    public async Task A_thousand_questions_at_once_are_answered()
    {
        B.Peers.On(TestMessages.Add, (_, sum, _) => Task.FromResult(new Total(sum.Left + sum.Right)));
        var answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(n => A.Messenger.AskAsync("n2", TestMessages.Add, new Sum(n, 1), $"n-{n}", Patience, default)));
        Assert.Equal(Enumerable.Range(1, 1000), answers.Select(a => a.Value));
    }

    [Fact]
    public async Task A_stream_arrives_whole_and_is_answered()
    {
        var content = new byte[40 << 20]; // More than the window.
        Random.Shared.NextBytes(content);
        B.Peers.OnStream(TestMessages.Pour, async (context, header, stream, cancellation) =>
        {
            var read = new MemoryStream();
            await stream.CopyToAsync(read, cancellation);
            Assert.Equal(("n1", new Sum(1, 2)), (context.From, header));
            return new Total(read.ToArray().AsSpan().SequenceEqual(content) ? (int)read.Length : -1);
        });
        var total = await A.Messenger.SendAsync("n2", TestMessages.Pour, new Sum(1, 2), (stream, cancellation) => stream.WriteAsync(content, cancellation).AsTask(), default);
        Assert.Equal(content.Length, total.Value);
    }

    [Fact]
    public async Task Streams_follow_each_other_and_go_side_by_side()
    {
        B.Peers.OnStream(TestMessages.Pour, async (_, header, stream, cancellation) =>
        {
            var read = new MemoryStream();
            await stream.CopyToAsync(read, cancellation);
            return new Total(read.ToArray().All(b => b == header.Left) ? (int)read.Length : -1);
        });
        for (var round = 0; round < 3; round++)
        {
            var totals = await Task.WhenAll(Enumerable.Range(1, 5).Select(n => A.Messenger.SendAsync("n2", TestMessages.Pour, new Sum(n, round), async (stream, cancellation) =>
            {
                var piece = Enumerable.Repeat((byte)n, 70_000).ToArray();
                for (var k = 0; k < n; k++) await stream.WriteAsync(piece, cancellation);
            }, default)));
            Assert.Equal(Enumerable.Range(1, 5).Select(n => n * 70_000), totals.Select(t => t.Value));
        }
    }

    [Fact]
    public async Task What_the_writer_throws_breaks_the_stream()
    {
        var read = new TaskCompletionSource();
        var end = new TaskCompletionSource<Exception?>();
        B.Peers.OnStream(TestMessages.Pour, async (_, _, stream, cancellation) =>
        {
            try
            {
                await stream.ReadExactlyAsync(new byte[100_000], cancellation);
                read.SetResult();
                await stream.CopyToAsync(Stream.Null, cancellation);
                end.SetResult(null);
            }
            catch (Exception e)
            {
                end.SetResult(e);
                throw;
            }

            return new Total(1);
        });
        var thrown = await Assert.ThrowsAsync<InvalidTimeZoneException>(() => A.Messenger.SendAsync("n2", TestMessages.Pour, new Sum(1, 2), async (stream, cancellation) =>
        {
            await stream.WriteAsync(new byte[100_000], cancellation);
            await stream.FlushAsync(cancellation);
            await read.Task;
            throw new InvalidTimeZoneException("the source failed");
        }, default));
        Assert.Equal("the source failed", thrown.Message);
        Assert.NotNull(await end.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_reader_that_refuses_stops_the_writer_and_says_why()
    {
        B.Peers.OnStream<Sum, Total>(TestMessages.Pour, async (_, _, stream, cancellation) =>
        {
            await stream.ReadExactlyAsync(new byte[1000], cancellation);
            throw new VniException(ErrorCodes.SnapshotDamaged, "the image is altered");
        });
        var ended = false;
        var refused = await Assert.ThrowsAsync<VniException>(() => A.Messenger.SendAsync("n2", TestMessages.Pour, new Sum(1, 2), async (stream, cancellation) =>
        {
            try
            {
                while (true) await stream.WriteAsync(new byte[100_000], cancellation);
            }
            finally
            {
                ended = true;
            }
        }, default));
        Assert.Equal(ErrorCodes.SnapshotDamaged, refused.Code);
        Assert.True(ended);
    }

    [Fact]
    public async Task A_reader_may_answer_without_reading()
    {
        B.Peers.OnStream(TestMessages.Pour, (_, _, _, _) => Task.FromResult(new Total(3)));
        var total = await A.Messenger.SendAsync("n2", TestMessages.Pour, new Sum(1, 2), async (stream, cancellation) =>
        {
            while (true) await stream.WriteAsync(new byte[100_000], cancellation);
        }, default);
        Assert.Equal(new Total(3), total);
    }

    [Fact]
    public async Task A_slow_reader_holds_the_writer_back()
    {
        var written = 0L;
        var go = new TaskCompletionSource();
        B.Peers.OnStream(TestMessages.Pour, async (_, _, stream, cancellation) =>
        {
            await go.Task;
            await stream.CopyToAsync(Stream.Null, cancellation);
            return new Total(1);
        });
        const int Pieces = 1000;
        var sending = A.Messenger.SendAsync("n2", TestMessages.Pour, new Sum(1, 2), async (stream, cancellation) =>
        {
            for (var n = 0; n < Pieces; n++)
            {
                var write = stream.WriteAsync(new byte[100_000], cancellation);
                if (!write.IsCompleted) go.TrySetResult(); // Held back, or about to be.
                await write;
                written += 100_000;
            }
        }, default);
        await sending;
        Assert.Equal(Pieces * 100_000L, written);
    }

    [Fact]
    public async Task A_cancelled_stream_is_broken_at_the_reader()
    {
        using var gone = new CancellationTokenSource();
        var read = new TaskCompletionSource();
        var end = new TaskCompletionSource<Exception?>();
        B.Peers.OnStream<Sum, Total>(TestMessages.Pour, async (_, _, stream, cancellation) =>
        {
            try
            {
                await stream.ReadExactlyAsync(new byte[100_000], cancellation);
                read.SetResult();
                await stream.CopyToAsync(Stream.Null, cancellation);
                end.SetResult(null);
            }
            catch (Exception e)
            {
                end.SetResult(e);
            }

            return new Total(1);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => A.Messenger.SendAsync("n2", TestMessages.Pour, new Sum(1, 2), async (stream, cancellation) =>
        {
            await stream.WriteAsync(new byte[100_000], cancellation);
            await stream.FlushAsync(cancellation);
            await read.Task;
            await gone.CancelAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        }, gone.Token));
        Assert.NotNull(await end.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_reader_that_dies_leaves_the_sender_without_an_answer()
    {
        B.Peers.OnStream<Sum, Total>(TestMessages.Pour, async (_, _, stream, _) =>
        {
            await stream.ReadExactlyAsync(new byte[1000]);
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await B.Server.StopAsync(now.Token);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, default);
            return new Total(0);
        });
        await Assert.ThrowsAsync<PeerSilentException>(() => A.Messenger.SendAsync("n2", TestMessages.Pour, new Sum(1, 2), async (stream, cancellation) =>
        {
            while (true) await stream.WriteAsync(new byte[100_000], cancellation);
        }, default));
    }

    private protected static PeerDispatcher Dispatcher(string node) => new("lab", node, TimeProvider.System, NullLogger<PeerDispatcher>.Instance);

    private protected static Task<Total> PourAsync(string node, HttpMessenger by) =>
        by.SendAsync(node, TestMessages.Pour, new Sum(1, 2), (stream, cancellation) => stream.WriteAsync(new byte[1000], cancellation).AsTask(), default);

    private protected Task<Total> AskAsync(string node, HttpMessenger? by = null, string? id = null, TimeSpan? timeout = null) =>
        (by ?? A.Messenger).AskAsync(node, TestMessages.Add, new Sum(2, 3), id ?? CommandId.New(), timeout ?? Patience, default);
}
