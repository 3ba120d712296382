using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>Servers that nobody wrote for this: their clients see pauses and nothing else.</summary>
public sealed class ServerTests(FarmFixture fixture) : FarmTests(fixture)
{
    private const int Rounds = 3;

    [Fact]
    public async Task Nginx_with_workers_serves_wrk_without_a_failed_request()
    {
        var configuration = Path.Combine(AppDirectory, "nginx.conf");
        await File.WriteAllTextAsync(configuration, """
            daemon off; user www-data; worker_processes 2; pid /tmp/nginx.pid; error_log stderr;
            events { worker_connections 256; }
            http { access_log off; keepalive_requests 100000000; server { listen 80; location / { return 200 "steady\n"; } } }
            """);
        var ip = (await Farm.RunAsync("web", "/usr/sbin/nginx", "-c", configuration)).Text("ip");
        await Farm.Client.AwaitServerAsync(ip, 80);
        var wrk = Farm.Client.TryAsync("wrk", "-t", "2", "-c", "16", "-d", "8", "--timeout", "30", $"http://{ip}/");
        var rounds = 0;
        for (; !wrk.IsCompleted && rounds < Rounds; rounds++) await RoundAsync("web");
        var outcome = await wrk;
        Assert.Equal(Rounds, rounds);
        Assert.Equal(0, outcome.Status);
        Assert.Contains("requests in", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Socket errors", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Non-2xx", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" 0 requests in", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redis_serves_redis_benchmark_without_a_lost_or_doubled_increment()
    {
        const int Requests = 250_000;
        var ip = await RunRedisAsync("store");
        var benchmark = Farm.Client.TryAsync("redis-benchmark", "-h", ip, "-c", "20", "-q", "-n", Requests.ToString(CultureInfo.InvariantCulture), "INCR", "total");
        var rounds = 0;
        for (; !benchmark.IsCompleted && rounds < Rounds; rounds++) await RoundAsync("store");
        var outcome = await benchmark;
        Assert.True(rounds > 0 && outcome.Status == 0, outcome.ToString());
        Assert.DoesNotContain("rror", outcome.Error, StringComparison.Ordinal);
        Assert.Equal($"{Requests}\n", (await Farm.Client.TryAsync("redis-cli", "-h", ip, "get", "total")).Output);
    }

    [Fact]
    public async Task Redis_keeps_one_connection_and_counts_without_a_gap()
    {
        var ip = await RunRedisAsync("store");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip, 6379);
        await SurviveAsync("store", () => client.CountAsync("INCR counter"));
    }

    [Fact]
    public async Task A_threaded_python_server_keeps_its_connections()
    {
        var ip = (await Farm.RunAsync("python", "/usr/bin/python3", App("echo.py"))).Text("ip");
        await SurviveWithConnectionsAsync("python", ip);
    }

    [Fact]
    public async Task A_static_program_keeps_its_connections() => await SurviveWithConnectionsAsync("static", await RunCounterAsync("static"));

    [Fact]
    public async Task A_node_js_server_keeps_its_connection()
    {
        var node = (await Shell.RunAsync("readlink", "-f", (await Shell.RunAsync("which", "node")).Trim())).Trim();
        var ip = (await Farm.RunAsync("javascript", node, App("server.js"))).Text("ip");
        using var socket = await Eventually.SucceedAsync("a listening node.js", () => Farm.Client.ConnectAsync(ip, 7000));
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var number = 0;
        await SurviveAsync("javascript", async () =>
        {
            await stream.WriteAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
            Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync());
            while (await reader.ReadLineAsync() is { Length: > 0 }) // Headers; then the body, one line.
            {
            }

            var line = (await reader.ReadLineAsync())!;
            Assert.Equal(++number, int.Parse(line, CultureInfo.InvariantCulture));
        });
    }

    [Fact]
    public async Task A_client_that_sends_while_the_application_sleeps_is_answered_when_it_wakes()
    {
        var ip = await RunCounterAsync("sleeper");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await client.CountAsync();
        await Farm.VniAsync("snapshot", "sleeper");
        var answer = client.CountAsync();
        await Farm.VniAsync("ps");
        Assert.False(answer.IsCompleted, "a dormant application answered");
        await Farm.VniAsync("restore", "sleeper");
        Assert.Equal(2, await answer);
    }

    private async Task<string> RunRedisAsync(string aid)
    {
        var ip = (await Farm.RunAsync(aid, "/usr/bin/redis-server", "--protected-mode", "no", "--save", "", "--dir", "/tmp")).Text("ip");
        await Farm.Client.AwaitServerAsync(ip, 6379);
        return ip;
    }

    private async Task RoundAsync(string aid)
    {
        await Farm.VniAsync("snapshot", aid);
        await Farm.VniAsync("restore", aid);
    }

    /// <summary>Four connections, each busy all the time.</summary>
    private async Task SurviveWithConnectionsAsync(string aid, string ip)
    {
        var clients = new List<LineClient>();
        for (var i = 0; i < 4; i++) clients.Add(await LineClient.ConnectAsync(Farm.Client, ip));
        await SurviveAsync(aid, () => Task.WhenAll(clients.Select(c => c.CountAsync("hello"))));
        foreach (var client in clients) await client.DisposeAsync();
    }

    /// <summary>Snapshots and restores under load; no request may fail.</summary>
    private async Task SurviveAsync(string aid, Func<Task> request)
    {
        var load = new SteadyLoad(request);
        await load.AdvanceAsync();
        for (var round = 0; round < Rounds; round++)
        {
            await RoundAsync(aid);
            await load.AdvanceAsync();
        }

        await load.StopAsync();
    }
}
