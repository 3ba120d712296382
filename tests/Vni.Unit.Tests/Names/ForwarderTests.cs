using System.Net;
using Vni.Cluster.Names;
using Xunit;

namespace Vni.Unit.Tests.Names;

public sealed class ForwarderTests
{
    private static readonly byte[] s_query = QueryEnvelopeTests.Query("WWW.Example.org");

    [Fact]
    public async Task What_is_somebody_elses_is_asked_for_and_comes_back_with_the_askers_id_and_spelling()
    {
        await using var upstream = new Upstream(query => [Upstream.Answer([.. query[..13], .. query[13..].Select(b => b is (byte)'W' ? (byte)'w' : b)])]);
        await using var server = await RunningServer.StartAsync(upstream.EndPoint);
        var answer = await server.AskAsync(s_query);
        Assert.Equal(s_query[..2], answer[..2]);
        Assert.Equal(s_query[12..], answer[12..s_query.Length]);
        Assert.Equal([192, 0, 2, 1], answer[^4..]);
        Assert.Equal(s_query[2..], Assert.Single(upstream.Queries)[2..]);
    }

    [Fact]
    public async Task By_TCP_it_is_asked_for_by_TCP()
    {
        await using var upstream = new Upstream(query => [Upstream.Answer(query)]);
        await using var server = await RunningServer.StartAsync(upstream.EndPoint);
        using var connection = await server.ConnectAsync();
        for (var i = 0; i < 2; i++) Assert.Equal([192, 0, 2, 1], (await RunningServer.AskAsync(connection, s_query))![^4..]);
    }

    [Fact]
    public async Task Our_own_names_are_asked_of_nobody()
    {
        await using var upstream = new Upstream(query => [Upstream.Answer(query)]);
        await using var server = await RunningServer.StartAsync(upstream.EndPoint);
        Assert.Equal(3, (await server.AskAsync(QueryEnvelopeTests.Query("none.lab.example")))[3] & 0x0f);
        Assert.Equal(3, (await server.AskAsync(QueryEnvelopeTests.Query("9.0.117.10.in-addr.arpa")))[3] & 0x0f);
        byte[] withoutDesire = [.. s_query];
        withoutDesire[2] = 0;
        Assert.Equal(5, (await server.AskAsync(withoutDesire))[3] & 0x0f);
        Assert.Empty(upstream.Queries);
    }

    [Fact]
    public async Task Answers_to_another_question_do_not_count()
    {
        await using var upstream = new Upstream(query =>
        {
            byte[] otherId = [.. Upstream.Answer(query, 66)], otherName = [.. Upstream.Answer(query, 66)], noAnswer = [.. Upstream.Answer(query, 66)];
            otherId[0] ^= 0xff;
            otherName[13] ^= 0x01;
            noAnswer[2] &= 0x7f;
            return [otherId, otherName, noAnswer, [], [1, 2, 3], Upstream.Answer(query)];
        });
        await using var server = await RunningServer.StartAsync(upstream.EndPoint);
        Assert.Equal(1, (await server.AskAsync(s_query))[^1]);
    }

    [Fact]
    public async Task After_a_server_that_is_not_there_or_in_trouble_the_next_is_asked()
    {
        await using var troubled = new Upstream(query => [Upstream.Answer(query, 66, code: 2)]);
        await using var good = new Upstream(query => [Upstream.Answer(query)]);
        await using var server = await RunningServer.StartAsync(new IPEndPoint(IPAddress.Loopback, RunningServer.FreePort()), troubled.EndPoint, good.EndPoint);
        Assert.Equal(1, (await server.AskAsync(s_query))[^1]);
        Assert.Single(troubled.Queries);
    }

    [Fact]
    public async Task After_a_silent_server_the_next_is_asked()
    {
        await using var silent = new Upstream(_ => []);
        await using var good = new Upstream(query => [Upstream.Answer(query)]);
        await using var server = await RunningServer.StartAsync(silent.EndPoint, good.EndPoint);
        var answer = server.AskAsync(s_query);
        while (!answer.IsCompleted)
        {
            if (silent.Queries.Count > 0) server.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Equal(1, (await answer)[^1]);
    }

    [Fact]
    public async Task Where_nobody_answers_the_asker_is_told()
    {
        await using var server = await RunningServer.StartAsync(new IPEndPoint(IPAddress.Loopback, RunningServer.FreePort()));
        var answer = await server.AskAsync(s_query);
        Assert.Equal((2, s_query.Length), (answer[3] & 0x0f, answer.Length));
    }

    [Fact]
    public async Task Nobody_is_sent_more_by_UDP_than_passes_everywhere()
    {
        await using var upstream = new Upstream(query => [[.. Upstream.Answer(query, 66), .. new byte[1300]], Upstream.Answer(query)]);
        await using var server = await RunningServer.StartAsync(upstream.EndPoint);
        Assert.Equal(1, (await server.AskAsync(QueryEnvelopeTests.Query("www.example.org", 65535)))[^1]);
        Assert.Equal(1232, QueryEnvelope.Read(upstream.Queries[0]).PayloadSize);
        Assert.Equal([0x04, 0xd0], upstream.Queries[0][^8..^6]); // Not the asker's 65535.
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("10.117.3.4", true)]
    [InlineData("192.0.2.1", false)]
    [InlineData("fd00::1", false)]
    public void Only_the_farm_and_whom_it_names_are_forwarded_for(string client, bool served)
    {
        IPNetwork[] clients = [IPNetwork.Parse("10.117.0.0/16")];
        Assert.Equal(served, new Forwarder([new(IPAddress.Loopback, 53)], clients, TimeProvider.System).Serves(IPAddress.Parse(client)));
        Assert.False(new Forwarder([], clients, TimeProvider.System).Serves(IPAddress.Parse(client)));
    }
}
