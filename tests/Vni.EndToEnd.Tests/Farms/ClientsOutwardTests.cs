using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>Connections that applications have made, to a server outside and to each other, on one node or on two, live on wherever they go.</summary>
public sealed class ClientsOutwardTests(PlaygroundFixture fixture) : PlaygroundTests(fixture)
{
    [Fact]
    public async Task A_connection_that_the_application_has_made_survives()
    {
        var server = Farm.AddressOf("client");
        using var listener = await Farm.Client.RunAsync(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            made.Bind(new IPEndPoint(IPAddress.Parse(server), 7000));
            made.Listen();
            return made;
        });
        var served = ServeOneAsync(listener);
        await using var caller = await RunCallerAsync("caller", "n1", server);
        await caller.AdvanceAsync();
        foreach (var node in new[] { "n2", "n3", "n1" })
        {
            await Farm.MigrateAsync("caller", node);
            await caller.AdvanceAsync();
        }

        Assert.False(served.IsCompleted, "the connection to the server was closed");
    }

    [Fact]
    public async Task Two_applications_keep_their_connection_whichever_of_them_moves()
    {
        var ip = (await Farm.RunAsync("n1", "server", App("sequence"))).Text("ip");
        await Farm.Client.AwaitServerAsync(ip, 7000);
        await using var caller = await RunCallerAsync("caller", "n1", ip);
        await caller.AdvanceAsync();

        // Away from a peer on the same node; the peer after it; apart; both at once, past each other; and together again.
        await MoveAsync("server", "n2");
        await MoveAsync("caller", "n2");
        await MoveAsync("server", "n1");
        await Task.WhenAll(Farm.MigrateAsync("server", "n2"), Farm.MigrateAsync("caller", "n1"));
        await caller.AdvanceAsync();
        await Task.WhenAll(Farm.MigrateAsync("server", "n3"), Farm.MigrateAsync("caller", "n3"));
        await caller.AdvanceAsync();
        await Farm.AssertAsync("server", "running", "n3");
        await Farm.AssertAsync("caller", "running", "n3");

        async Task MoveAsync(string aid, string node)
        {
            await Farm.MigrateAsync(aid, node);
            await caller.AdvanceAsync();
        }
    }

    [Fact]
    public async Task A_new_connection_reaches_the_application_from_the_node_that_it_left_and_from_where_it_is()
    {
        var ip = (await Farm.RunAsync("n1", "server", App("sequence"))).Text("ip");
        await Farm.RunAsync("n1", "left", "/bin/sleep", "1000");
        await Farm.RunAsync("n2", "there", "/bin/sleep", "1000");
        foreach (var node in new[] { "n1", "n2", "n1" })
        {
            await Farm.MigrateUnlessThereAsync("server", node);
            foreach (var (aid, at) in new[] { ("left", "n1"), ("there", "n2") })
            {
                var answer = await Farm.VniAsync(at, "exec", aid, "--", "/bin/bash", "-c", $"exec 3<>/dev/tcp/{ip}/7000; echo from {aid} >&3; read -r answer <&3; echo $answer");
                Assert.Equal($"1 from {aid}\n", answer);
            }
        }
    }

    private async Task<Caller> RunCallerAsync(string aid, string node, string server)
    {
        var ip = (await Farm.RunAsync(node, aid, "/usr/bin/python3", App("caller.py"), server, "7000")).Text("ip");
        return new Caller(await LineClient.ConnectAsync(Farm.Client, ip));
    }

    /// <summary>Answers the lines of one connection as <c>sequence</c> does, until it ends.</summary>
    private static async Task ServeOneAsync(Socket listener)
    {
        using var socket = await listener.AcceptAsync();
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        for (var number = 1; await reader.ReadLineAsync() is { } line; number++) await stream.WriteAsync(Encoding.ASCII.GetBytes($"{number} {line}\n"));
    }

    /// <summary><c>caller.py</c>, asked from the client how it gets on.</summary>
    private sealed class Caller(LineClient client) : IAsyncDisposable
    {
        /// <summary>Returns when it has had more answers than it has now; fails if its connection did.</summary>
        public async Task AdvanceAsync()
        {
            var goal = await DoneAsync() + 50;
            await Eventually.GetAsync($"answer {goal}", DoneAsync, done => done >= goal);
        }

        public ValueTask DisposeAsync() => client.DisposeAsync();

        private async Task<long> DoneAsync()
        {
            var answer = await client.AskAsync("?");
            Assert.DoesNotContain("failed", answer, StringComparison.Ordinal);
            return long.Parse(answer, CultureInfo.InvariantCulture);
        }
    }
}
