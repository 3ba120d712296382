using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors;
using Vni.Actors.Messaging;
using Vni.Actors.Security;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Messaging;

public sealed class PeerDispatcherTests
{
    private static readonly PeerIdentity N1 = new("n1", PeerRole.Node);
    private readonly ManualTimeProvider _clock = new();
    private readonly PeerDispatcher _peers;
    private int _done;

    public PeerDispatcherTests()
    {
        _peers = Dispatcher("n2");
        _peers.On(TestMessages.Add, (_, sum, _) => Task.FromResult(new Total(sum.Left + sum.Right + (1000 * Interlocked.Increment(ref _done)))));
        _peers.On(TestMessages.Look, (_, sum, _) => Task.FromResult(new Total(Interlocked.Increment(ref _done))));
    }

    [Fact]
    public async Task A_proper_envelope_is_answered()
    {
        var reply = await _peers.AnswerAsync(Envelope(), N1);
        Assert.Equal((1, 1003), (reply.Format, Value(reply)));
    }

    [Fact]
    public async Task Where_the_farm_has_no_certificates_the_sender_is_believed() => Assert.Equal(1003, Value(await _peers.AnswerAsync(Envelope(), null)));

    public static TheoryData<string, string> Refusals => new()
    {
        { "format", ErrorCodes.Incompatible }, { "farm", ErrorCodes.Forbidden }, { "to", ErrorCodes.Conflict }, { "from", ErrorCodes.InvalidArgument },
        { "id", ErrorCodes.InvalidArgument }, { "kind", ErrorCodes.Incompatible }, { "old", ErrorCodes.Conflict }, { "future", ErrorCodes.Conflict },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task What_is_not_for_this_node_is_refused(string what, string code)
    {
        var good = Envelope();
        var bad = what switch
        {
            "format" => good with { Format = 2 },
            "farm" => good with { Farm = "other" },
            "to" => good with { To = "n3" },
            "from" => good with { From = "N 1" },
            "id" => good with { Id = "a/b" },
            "kind" => good with { Kind = "test.unknown" },
            "old" => good with { Sent = _clock.GetUtcNow() - TimeSpan.FromMinutes(5.1) },
            _ => good with { Sent = _clock.GetUtcNow() + TimeSpan.FromMinutes(5.1) },
        };
        var refused = await Assert.ThrowsAsync<VniException>(() => _peers.AnswerAsync(bad, null));
        Assert.Equal(code, refused.Code);
        Assert.Equal(0, _done);
    }

    [Fact]
    public async Task A_forged_sender_is_refused()
    {
        foreach (var caller in new[] { new PeerIdentity("n9", PeerRole.Node), new PeerIdentity("n1", PeerRole.Operator), new PeerIdentity("n1", PeerRole.Registry) })
            Assert.Equal(ErrorCodes.Forbidden, (await Assert.ThrowsAsync<VniException>(() => _peers.AnswerAsync(Envelope(), caller))).Code);
        Assert.Equal(0, _done);
    }

    [Fact]
    public async Task A_replayed_command_is_answered_as_the_first_and_not_done_again()
    {
        var envelope = Envelope();
        Assert.Equal(1003, Value(await _peers.AnswerAsync(envelope, N1)));
        Assert.Equal(1003, Value(await _peers.AnswerAsync(envelope, N1)));
        Assert.Equal(2003, Value(await _peers.AnswerAsync(envelope with { From = "n3" }, null)));
    }

    [Fact]
    public async Task A_command_that_is_forgotten_is_too_old_to_be_done_again()
    {
        var envelope = Envelope() with { Sent = _clock.GetUtcNow() + PeerDispatcher.MaximumClockDifference };
        await _peers.AnswerAsync(envelope, N1);
        for (var minutes = 0; minutes < 30; minutes++)
        {
            _clock.Advance(TimeSpan.FromMinutes(1));
            try
            {
                await _peers.AnswerAsync(envelope, N1);
            }
            catch (VniException e) when (e.Code == ErrorCodes.Conflict)
            {
            }
        }

        Assert.Equal(1, _done);
    }

    [Fact]
    public async Task An_id_that_is_used_for_something_else_is_refused()
    {
        await _peers.AnswerAsync(Envelope(), N1);
        var refused = await Assert.ThrowsAsync<VniException>(() => _peers.AnswerAsync(Envelope() with { Body = JsonSerializer.SerializeToElement(new Sum(9, 9), TestJson.Default.Sum) }, N1));
        Assert.Equal(ErrorCodes.Conflict, refused.Code);
        Assert.Equal(1, _done);
    }

    [Fact]
    public async Task A_question_that_changes_nothing_is_asked_anew()
    {
        Assert.Equal(1, Value(await _peers.AnswerAsync(Envelope() with { Kind = "test.look" }, N1)));
        Assert.Equal(2, Value(await _peers.AnswerAsync(Envelope() with { Kind = "test.look" }, N1)));
    }

    [Fact]
    public async Task Who_repeats_a_command_that_is_under_way_waits_for_it()
    {
        var peers = Dispatcher("n2");
        var answer = new TaskCompletionSource<Total>();
        var begun = 0;
        peers.On(TestMessages.Add, (_, _, _) =>
        {
            begun++;
            return answer.Task;
        });
        var both = Task.WhenAll(peers.AnswerAsync(Envelope(), N1), peers.AnswerAsync(Envelope(), N1));
        answer.SetResult(new Total(4));
        Assert.Equal([4, 4], (await both).Select(Value));
        Assert.Equal(1, begun);
    }

    [Fact]
    public async Task A_refusal_is_an_answer_and_a_defect_tells_no_secrets()
    {
        var peers = Dispatcher("n2");
        var asked = 0;
        peers.On<Sum, Total>(TestMessages.Add, (_, _, _) => ++asked == 1 ? throw new VniException(ErrorCodes.Busy, "not now") : throw new InvalidOperationException("secret"));
        Assert.Equal("not now", (await peers.AnswerAsync(Envelope(), N1)).Error!.Message);
        Assert.Equal("not now", (await peers.AnswerAsync(Envelope(), N1)).Error!.Message);
        var defect = (await peers.AnswerAsync(Envelope() with { Id = "c-2" }, N1)).Error!;
        Assert.Equal(ErrorCodes.Internal, defect.Code);
        Assert.DoesNotContain("secret", defect.Message);
    }

    [Fact]
    public async Task A_body_that_does_not_fit_is_refused()
    {
        using var text = JsonDocument.Parse("\"text\"");
        Assert.Equal(ErrorCodes.InvalidArgument, (await _peers.AnswerAsync(Envelope() with { Body = text.RootElement }, N1)).Error!.Code);
        Assert.Equal(ErrorCodes.InvalidArgument, (await _peers.AnswerAsync(Envelope() with { Body = default, Id = "c-2" }, N1)).Error!.Code);
    }

    [Fact]
    public void Members_of_a_newer_version_are_skipped()
    {
        var parsed = Vni.Cluster.Messaging.PeerWire.Parse("""{"format":1,"id":"a","farm":"lab","from":"n1","to":"n2","kind":"k","sent":"2030-01-01T00:00:00Z","body":{},"hop":3}"""u8);
        Assert.Equal("a", parsed.Id);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"format\":\"x\"}")]
    [InlineData("{")]
    [InlineData("")]
    public void What_is_no_envelope_is_refused(string json) =>
        Assert.Equal(ErrorCodes.InvalidArgument, Assert.Throws<VniException>(() => Vni.Cluster.Messaging.PeerWire.Parse(System.Text.Encoding.UTF8.GetBytes(json))).Code);

    [Fact]
    public async Task Answers_are_forgotten_by_age_and_number_but_not_while_they_are_awaited()
    {
        var recent = new RecentCommands<string>(_clock, text => text.Length);
        var pending = new TaskCompletionSource<string>();
        var first = recent.DoAsync("n1", "pending", "", () => pending.Task);
        var done = 0;
        for (var n = 0; n <= RecentCommands<string>.MaximumCount; n++) await recent.DoAsync("n1", $"c{n}", "", Count);
        await recent.DoAsync("n1", "c0", "", Count);
        Assert.Equal(RecentCommands<string>.MaximumCount + 2, done);
        await recent.DoAsync("n1", $"c{RecentCommands<string>.MaximumCount}", "", Count);
        Assert.Equal(RecentCommands<string>.MaximumCount + 2, done);
        _clock.Advance(RecentCommands<string>.MaximumAge + TimeSpan.FromTicks(1));
        await recent.DoAsync("n1", $"c{RecentCommands<string>.MaximumCount}", "", Count);
        Assert.Equal(RecentCommands<string>.MaximumCount + 3, done);
        var again = recent.DoAsync("n1", "pending", "", Count);
        pending.SetResult("late");
        Assert.Equal(["late", "late"], await Task.WhenAll(first, again));

        Task<string> Count()
        {
            done++;
            return Task.FromResult("x");
        }
    }

    private static int Value(PeerReply reply) => reply.Body!.Value.Deserialize(TestJson.Default.Total)!.Value;

    private PeerDispatcher Dispatcher(string node) => new("lab", node, _clock, NullLogger<PeerDispatcher>.Instance);

    private PeerEnvelope Envelope() => Dispatcher("n1").Wrap("n2", TestMessages.Add, new Sum(1, 2), "c-1");
}
