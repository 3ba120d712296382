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
public sealed class SecureMessengerTests() : HttpMessengerTests(tls: true)
{
    [Fact]
    public async Task A_node_with_a_certificate_of_another_name_is_not_the_node()
    {
        await Farm.StartAsync("n3", certificate: "n2");
        var refused = await Assert.ThrowsAsync<PeerUnreachableException>(() => AskAsync("n3"));
        Assert.Contains("its certificate is that of node 'n2'", refused.Message);
    }

    [Fact]
    public async Task A_server_of_another_authority_is_not_the_node()
    {
        await using var other = new TestFarm(tls: true);
        await other.StartAsync("n3");
        Farm["n3"] = other["n3"];
        var refused = await Assert.ThrowsAsync<PeerUnreachableException>(() => AskAsync("n3"));
        Assert.Contains("not signed by this farm's authority", refused.Message);
    }

    [Fact]
    public async Task An_operator_sends_no_messages()
    {
        B.Peers.On(TestMessages.Add, (_, sum, _) => Task.FromResult(new Total(sum.Left + sum.Right)));
        var person = Farm.Messenger(Dispatcher("alice"), Farm.Certificate("alice", PeerRole.Operator));
        var refused = await Assert.ThrowsAsync<VniException>(() => AskAsync("n2", person));
        Assert.Equal(ErrorCodes.Forbidden, refused.Code);
    }

    [Fact]
    public async Task An_operator_sends_no_streams()
    {
        B.Peers.OnStream(TestMessages.Pour, (_, _, _, _) => Task.FromResult(new Total(1)));
        var person = Farm.Messenger(Dispatcher("alice"), Farm.Certificate("alice", PeerRole.Operator));
        var refused = await Assert.ThrowsAsync<VniException>(() => PourAsync("n2", person));
        Assert.Equal(ErrorCodes.Forbidden, refused.Code);
    }

    [Fact]
    public async Task A_node_with_a_certificate_of_another_name_gets_no_stream()
    {
        await Farm.StartAsync("n3", certificate: "n2");
        var refused = await Assert.ThrowsAsync<PeerUnreachableException>(() => PourAsync("n3", A.Messenger));
        Assert.Contains("its certificate is that of node 'n2'", refused.Message);
    }

    [Fact]
    public async Task A_stream_of_a_client_of_another_authority_is_refused()
    {
        var poured = 0;
        B.Peers.OnStream(TestMessages.Pour, (_, _, _, _) => Task.FromResult(new Total(++poured)));
        await using var other = new TestFarm(tls: true);
        using var stranger = new HttpMessenger(new HttpMessengerOptions { Self = Dispatcher("n1"), Endpoint = node => Farm[node], Tls = Mixed(other) });
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => PourAsync("n2", stranger));
        Assert.True(failure is PeerSilentException or PeerUnreachableException, failure.ToString());
        Assert.Equal(0, poured);
    }

    [Fact]
    public async Task A_node_speaks_for_no_other_node()
    {
        B.Peers.On(TestMessages.Add, (_, sum, _) => Task.FromResult(new Total(sum.Left + sum.Right)));
        var forger = Farm.Messenger(Dispatcher("n1"), Farm.Certificate("n9"));
        var refused = await Assert.ThrowsAsync<VniException>(() => AskAsync("n2", forger));
        Assert.Equal(ErrorCodes.Forbidden, refused.Code);
        Assert.Contains("the certificate of node 'n9'", refused.Message);
    }

    [Fact]
    public async Task A_client_of_another_authority_is_refused()
    {
        var asked = 0;
        B.Peers.On(TestMessages.Add, (_, sum, _) => Task.FromResult(new Total(++asked)));
        await using var other = new TestFarm(tls: true);
        var stranger = new HttpMessenger(new HttpMessengerOptions { Self = Dispatcher("n1"), Endpoint = node => Farm[node], Tls = Mixed(other) });
        using (stranger)
        {
            var failure = await Assert.ThrowsAnyAsync<Exception>(() => AskAsync("n2", stranger));
            Assert.True(failure is PeerSilentException or PeerUnreachableException, failure.ToString());
            Assert.Equal(0, asked);
        }
    }

    /// <summary>A certificate of another authority whose holder trusts the farm's.</summary>
    private FarmTls Mixed(TestFarm other)
    {
        var own = Farm.Files("n7", PeerRole.Node);
        var foreign = other.Files("n1", PeerRole.Node);
        var both = foreign.Authority + ".both";
        File.WriteAllText(both, File.ReadAllText(foreign.Authority) + File.ReadAllText(own.Authority));
        return FarmTls.Load(foreign with { Authority = both });
    }
}
