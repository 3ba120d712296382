using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>Clients of an application that is moved around three nodes notice pauses and nothing else [K3].</summary>
public sealed class ClientsTests(PlaygroundFixture fixture) : PlaygroundTests(fixture)
{
    /// <summary>Around all nodes, also to the one that it was on before.</summary>
    private static readonly string[] s_round = ["n2", "n3", "n1", "n3"];

    [Fact]
    public async Task An_increment_per_millisecond_over_one_connection_through_twenty_migrations()
    {
        var ip = await RunRedisAsync("cache");
        await using var load = await ClientsOrderedLoad.ConnectAsync(
            Farm.Client, ip, 6379, _ => "INCR counter", n => $":{n}", int.MaxValue, TimeSpan.FromMilliseconds(1));
        await load.AdvanceAsync();
        for (var move = 0; move < 20; move++)
        {
            var to = Farm.Nodes[(move + 1) % 3];
            var moved = await Farm.MigrateAsync("cache", to, at: Farm.Nodes[move % 2]);
            Assert.Equal((Farm.IdentityOf(Farm.Nodes[move % 3]), Farm.IdentityOf(to)), (moved.Text("from"), moved.Text("to")));
            await load.AdvanceAsync(20);
        }

        var count = await load.FinishAsync();
        Assert.Equal($"{count}\n", (await Farm.Client.TryAsync("redis-cli", "-h", ip, "get", "counter")).Output);
        await Farm.AssertAsync("cache", "running", "n3");
    }

    [Fact]
    public async Task Many_requests_in_flight_are_answered_in_order_over_streams_and_datagrams()
    {
        var ip = (await Farm.RunAsync("n1", "sequence", App("sequence"))).Text("ip");
        await using var stream = await ClientsOrderedLoad.ConnectAsync(Farm.Client, ip, 7000, n => $"line {n}", n => $"{n} line {n}", window: 200);
        await using var datagrams = await ClientsOrderedLoad.DatagramsAsync(Farm.Client, ip, 7000, n => $"datagram {n}", n => $"{n} datagram {n}", TimeSpan.FromMilliseconds(2));
        await AroundAsync("sequence", () => Task.WhenAll(stream.AdvanceAsync(1000), datagrams.AdvanceAsync()));
        await stream.FinishAsync();
        await datagrams.FinishAsync();
    }

    [Fact]
    public async Task A_thousand_idle_connections_are_all_alive_afterwards()
    {
        const int Connections = 1000;
        var ip = (await Farm.RunAsync("n1", "sequence", App("sequence"))).Text("ip");
        await Farm.Client.AwaitServerAsync(ip, 7000);
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < Connections; i++) sockets.Add(await Farm.Client.ConnectAsync(ip, 7000));
            var all = sockets.Select(s => new NetworkStream(s)).Select(s => (To: s, From: new StreamReader(s, Encoding.ASCII))).ToList();
            await AskAllAsync(1);
            await AroundAsync("sequence", () => Task.CompletedTask);
            await AskAllAsync(2);

            async Task AskAllAsync(int number)
            {
                for (var i = 0; i < Connections; i++) await all[i].To.WriteAsync(Encoding.ASCII.GetBytes($"connection {i}\n"));
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
                for (var i = 0; i < Connections; i++) Assert.Equal($"{number} connection {i}", await all[i].From.ReadLineAsync(limit.Token));
            }
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }
    }

    [Fact]
    public async Task Nginx_serves_wrk_over_kept_connections_without_a_failed_request()
    {
        var configuration = Path.Combine(Farm.Directory, "nginx.conf");
        await File.WriteAllTextAsync(configuration, """
            daemon off; user www-data; worker_processes 2; pid /tmp/nginx.pid; error_log stderr;
            events { worker_connections 256; }
            http { access_log off; keepalive_requests 100000000; server { listen 80; location / { return 200 "steady\n"; } } }
            """);
        var ip = (await Farm.RunAsync("n1", "web", "/usr/sbin/nginx", "-c", configuration)).Text("ip");
        await Farm.Client.AwaitServerAsync(ip, 80);
        var wrk = Farm.Client.TryAsync("wrk", "-t", "2", "-c", "16", "-d", "6", "--timeout", "30", $"http://{ip}/");
        Assert.True(await MoveWhileAsync("web", wrk) >= s_round.Length, "too few migrations while wrk ran");
        var outcome = await wrk;
        Assert.Equal(0, outcome.Status);
        Assert.Contains("requests in", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Socket errors", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Non-2xx", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" 0 requests in", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Postgresql_serves_pgbench_without_a_failed_transaction()
    {
        var programs = Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Last() + "/bin";
        var script = Path.Combine(Farm.Directory, "postgres.sh");
        await File.WriteAllTextAsync(script, $"""
            set -e
            {programs}/initdb -D /var/tmp/data -A trust -N --no-locale >/dev/null
            echo "host all all all trust" >>/var/tmp/data/pg_hba.conf
            exec {programs}/postgres -D /var/tmp/data -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off
            """);
        var ip = (await Farm.VniJsonAsync("n1", "run", "--name", "base", "--user", "postgres", "--", "/bin/sh", script)).Text("ip");
        await Eventually.GetAsync("a database", () => Farm.Client.TryAsync("pg_isready", "-h", ip, "-U", "postgres"), o => o.Status == 0);
        Assert.Equal(0, (await Farm.Client.TryAsync("pgbench", "-i", "-q", "-h", ip, "-U", "postgres", "postgres")).Status);
        var pgbench = Farm.Client.TryAsync("pgbench", "-h", ip, "-U", "postgres", "-c", "4", "-j", "2", "-T", "8", "postgres");
        Assert.True(await MoveWhileAsync("base", pgbench) >= 2, "too few migrations while pgbench ran");
        var outcome = await pgbench;
        Assert.True(outcome.Status == 0, outcome.ToString());
        Assert.Contains("number of failed transactions: 0 ", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("aborted", outcome.Error, StringComparison.Ordinal);
        var processed = outcome.Output.Split('\n').Single(l => l.StartsWith("number of transactions actually processed: ", StringComparison.Ordinal)).Split(": ")[1];
        var rows = await Farm.Client.TryAsync("psql", "-h", ip, "-U", "postgres", "-Atc", "select count(*), sum(delta) = (select sum(abalance) from pgbench_accounts) from pgbench_history", "postgres");
        Assert.Equal(processed + "|t\n", rows.Output);
        Assert.True(int.Parse(processed, CultureInfo.InvariantCulture) > 0);
    }

    /// <summary>Moves an application through a round; after each move <paramref name="check"/> must find it well.</summary>
    [Fact]
    public async Task A_file_that_is_open_below_a_redirected_path_goes_on_on_every_node_beside_a_second_copy_of_the_program()
    {
        var (root, rules) = await FixedProgram.MakeAsync(Farm.Directory, App("fixed"));
        async Task<LineClient> RunAsync(string aid) =>
            await LineClient.ConnectAsync(Farm.Client, (await Farm.VniJsonAsync("n1", "run", "--name", aid, "--root", root, "--rules", rules, "--", "/fixed")).Text("ip"), 7100);
        await using var one = await RunAsync("one");
        await using var two = await RunAsync("two");
        await one.AskAsync("SET 11");
        foreach (var node in new[] { "n2", "n3", "n1" })
        {
            await Farm.MigrateAsync("one", node);
            FixedProgram.Check(await FixedProgram.ReportAsync(one), "one", 11);
            await one.CountAsync();
            Assert.Equal(await one.CountAsync(), File.ReadLines(Path.Combine(Farm.StateOf(node), "instances/one/upper/usr/app/one/config/journal")).Count());
        }

        FixedProgram.Check(await FixedProgram.ReportAsync(two), "two", 7);
        FixedProgram.CheckRoot(root);
    }

    private async Task AroundAsync(string aid, Func<Task> check)
    {
        await check();
        foreach (var node in s_round)
        {
            await Farm.MigrateAsync(aid, node);
            await check();
        }

        await Farm.AssertAsync(aid, "running", s_round[^1]);
    }

    /// <summary>Moves an application on and on until the load ends, at most ten times; how often.</summary>
    private async Task<int> MoveWhileAsync(string aid, Task load)
    {
        var moves = 0;
        for (; !load.IsCompleted && moves < 10; moves++) await Farm.MigrateAsync(aid, s_round[moves % s_round.Length]);
        return moves;
    }
}
