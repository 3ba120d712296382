using System.Text.Json;
using Vni.EndToEnd.Tests.Farming;
using Xunit.Abstractions;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>Resource ids: the application's stay, the node's change, and each is found from the other.</summary>
public sealed class ResourceIdTests(PlaygroundFixture fixture, ITestOutputHelper output) : PlaygroundTests(fixture)
{
    private const int Port = 7101, QueuePort = 7111, Moves = 30;
    private static readonly string[] s_types =
    [
        "process", "thread", "process-group", "session", "semaphore", "shared-memory", "message-queue", "posix-message-queue", "posix-shared-memory", "tcp", "udp", "unix-socket", "pty", "interface",
        "mount", "cgroup", "path",
    ];

    private const string Rules = """
        Define <APPL-ID> as PROPERTY application-ID
        REDIR PATH "/user/app/config/" to "/usr/app/<APPL-ID>/config"
        """;

    [Fact]
    public async Task Semaphore_5193_keeps_id_and_value_and_a_second_instance_on_the_node_has_its_own()
    {
        var (one, two) = (await RunAsync("one", "n1"), await RunAsync("two", "n2"));
        Assert.Equal((5193, 7), await SemaphoreAsync(one));
        await Farm.VniAsync("n1", "snapshot", "one");
        var dormant = Assert.Single((await Farm.VniJsonAsync("n2", "rids", "one", "--type", "semaphore")).EnumerateArray());
        Assert.Equal(("5193", JsonValueKind.Null), (dormant.Text("virtual"), dormant.GetProperty("system").ValueKind));
        await Farm.VniAsync("n1", "restore", "one");
        Assert.Equal((5193, 7), await SemaphoreAsync(one));
        await Farm.MigrateAsync("one", "n2");
        Assert.Equal([(5193, 7), (5193, 7)], [await SemaphoreAsync(one), await SemaphoreAsync(two)]);
        var mine = await Farm.VniJsonAsync("n1", "translate", "one", "semaphore", "5193");
        var other = await Farm.VniJsonAsync("n1", "translate", "two", "semaphore", "5193");
        Assert.NotEqual(mine.Text("system"), other.Text("system"));
        Assert.Equal(["one", "two"], [await HolderAsync(mine), await HolderAsync(other)]);

        async Task<string> HolderAsync(JsonElement resource) => (await Farm.VniJsonAsync("n3", "translate", "--node", Farm.IdentityOf("n2"), "semaphore", resource.Text("system"))).Text("aid");
    }

    [Fact]
    public async Task Thirty_random_moves_and_snapshots_leave_every_virtual_id_and_bind_it_to_what_the_kernel_says()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await RunAsync("app", "n1");
        var before = await ResourcesAsync();
        Assert.Equal(s_types.Order(), before.Select(r => r.Text("type")).Distinct().Order());
        for (var (move, node) = (0, "n1"); move < Moves; move++)
        {
            if (random.Next(3) == 0)
            {
                await Farm.VniAsync(node, "snapshot", "app");
                await Farm.VniAsync(node, "restore", "app");
            }
            else
            {
                node = Farm.Nodes.Where(n => n != node).ElementAt(random.Next(2));
                await Farm.MigrateAsync("app", node, at: Farm.Nodes[random.Next(3)]);
            }

            var now = await ResourcesAsync(Farm.Nodes[random.Next(3)]);
            Assert.Equal(before.Select(Virtual), now.Select(Virtual));
            Assert.All(now, r => Assert.Equal(Farm.IdentityOf(node), r.Text("node")));
            AssertKernelAgrees(now);
            foreach (var resource in now.OrderBy(_ => random.Next()).Take(2))
            {
                var (type, id, system) = (resource.Text("type"), resource.Text("virtual"), resource.Text("system"));
                Assert.Equal(system, (await Farm.VniJsonAsync(Farm.Nodes[random.Next(3)], "translate", "app", type, id)).Text("system"));
                var back = await Farm.VniJsonAsync(Farm.Nodes[random.Next(3)], "translate", "--node", Farm.IdentityOf(node), type, system);
                Assert.Equal(("app", id), (back.Text("aid"), back.Text("virtual")));
            }
        }

        Assert.All((await ResourcesAsync()).Zip(before), pair => Assert.InRange(
            pair.First.GetProperty("since").GetDateTimeOffset(), pair.Second.GetProperty("since").GetDateTimeOffset().AddSeconds(-1), pair.Second.GetProperty("since").GetDateTimeOffset().AddSeconds(1)));
    }

    [Fact]
    public async Task A_pid_from_top_is_translated_in_one_command_and_one_that_is_no_applications_is_refused()
    {
        await RunAsync("app", "n1");
        var host = (await Farm.InspectAsync("app")).GetProperty("processes").EnumerateArray().First(p => p.GetProperty("pid").GetInt32() == 2).GetProperty("hostPid").GetInt32();
        Assert.StartsWith($"app  process 2  is {host} on node {Farm.IdentityOf("n1")}", await Farm.VniAsync("n1", "translate", "process", $"{host}"), StringComparison.Ordinal);
        var thread = Directory.GetDirectories($"/proc/{host}/task").Select(Path.GetFileName).First(t => t != $"{host}")!;
        Assert.Equal("2", (await Farm.VniJsonAsync("n1", "translate", "thread", thread)).GetProperty("owner").ToString());
        await Farm.RefusedAsync("n1", "unknown_resource", "translate", "process", thread);
        await Farm.RefusedAsync("n1", "foreign_resource", "translate", "process", $"{Environment.ProcessId}");
        await Farm.RefusedAsync("n2", "foreign_resource", "translate", "process", $"{host}"); // On this machine, but another node's.
        await Farm.RefusedAsync("n1", "unknown_resource", "translate", "process", "4194305");
        await Farm.RefusedAsync("n1", "unknown_resource", "translate", "app", "semaphore", "1");
        await Farm.RefusedAsync("n1", "unknown_resource", "translate", "tcp", "socket:[1]");
        await Farm.RefusedAsync("n1", "invalid_argument", "translate", "process", "init");
        var usage = await Farm.TryVniAsync("n1", "translate", "app", "semaphor", "5193");
        Assert.True(usage.Status == 2 && usage.Error.Contains("did you mean 'semaphore'?", StringComparison.Ordinal), usage.ToString());
    }

    [Fact]
    public async Task Posix_message_queues_keep_names_messages_order_and_those_who_wait()
    {
        const string listed = "urgent:9 first:5 second:5 max 8 size 64 flags nonblock mode 640 links 1; kept:0 max 4 size 64 flags block mode 600 links 0; 3 by name, readable 1";
        var ip = (await Farm.VniJsonAsync("n1", "run", "--name", "app", "--", App("queues"))).Text("ip");
        await Farm.Client.AwaitServerAsync(ip, QueuePort);
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip, QueuePort);
        Assert.Equal(listed, await client.AskAsync("LIST"));
        Assert.Equal("1", await client.AskAsync("ANSWER"));
        await Farm.VniAsync("n1", "snapshot", "app", "--leave-running"); // It runs on, with what was read out of the queues and put back.
        Assert.Equal([listed, "2"], [await client.AskAsync("LIST"), await client.AskAsync("ANSWER")]);
        await Farm.MigrateAsync("app", "n2");
        Assert.Equal([listed, "3"], [await client.AskAsync("LIST"), await client.AskAsync("ANSWER")]);
        await Farm.VniAsync("n2", "snapshot", "app");
        await Farm.VniAsync("n2", "restore", "app");
        await Farm.MigrateAsync("app", "n3");
        Assert.Equal([listed, "4"], [await client.AskAsync("LIST"), await client.AskAsync("ANSWER")]);
        Assert.Equal("3 one, 6 waited", await client.AskAsync("ROOM"));
        Assert.Equal(["/full", "/orders", "/answers"], (await Farm.VniJsonAsync("n3", "rids", "app", "--type", "posix-message-queue")).EnumerateArray().Select(r => r.Text("virtual")));
        Assert.Equal("answers\nfull\norders", (await Farm.VniAsync("n3", "exec", "app", "--", "ls", "/dev/mqueue")).Trim());
    }

    [Fact]
    public async Task A_process_that_waits_for_a_queues_notification_is_not_saved_and_runs_on()
    {
        var ip = (await Farm.VniJsonAsync("n1", "run", "--name", "app", "--", App("queues"))).Text("ip");
        await Farm.Client.AwaitServerAsync(ip, QueuePort);
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip, QueuePort);
        Assert.Equal("0", await client.AskAsync("NOTIFY"));
        Assert.Contains("/orders", await Farm.RefusedAsync("n1", "not_dumpable", "snapshot", "app"), StringComparison.Ordinal);
        await Farm.RefusedAsync("n1", "not_dumpable", "migrate", "app", Farm.IdentityOf("n2"));
        Assert.Equal("0", await client.AskAsync("QUIET"));
        await Farm.VniAsync("n1", "snapshot", "app");
    }

    private async Task<string> RunAsync(string aid, string node)
    {
        var rules = Path.GetTempFileName();
        await File.WriteAllTextAsync(rules, Rules);
        var ip = (await Farm.VniJsonAsync(node, "run", ["--name", aid, "--rules", rules, "--", App("resources"), "/var/tmp"])).Text("ip");
        File.Delete(rules);
        await Farm.Client.AwaitServerAsync(ip, Port);
        await Eventually.GetAsync("all its processes, and the end of our visit", () => Farm.VniJsonAsync(node, "rids", aid), all => Count(all, "process") == 4 && Count(all, "tcp") == 4);
        return ip;

        static int Count(JsonElement all, string type) => all.EnumerateArray().Count(r => r.Text("type") == type);
    }

    private async Task<(int Id, int Value)> SemaphoreAsync(string ip)
    {
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip, Port);
        using var report = JsonDocument.Parse(await client.AskAsync("REPORT"));
        return (report.RootElement.GetProperty("semaphore").GetInt32(), report.RootElement.GetProperty("value").GetInt32());
    }

    private async Task<IReadOnlyList<JsonElement>> ResourcesAsync(string at = "n1") => [.. (await Farm.VniJsonAsync(at, "rids", "app")).EnumerateArray().OrderBy(Virtual)];

    private static (string Type, string Id, int Owner, string Disposition) Virtual(JsonElement r) => (r.Text("type"), r.Text("virtual"), r.GetProperty("owner").GetInt32(), r.Text("disposition"));

    /// <summary>What /proc of the node says of each system id. All nodes of a playground share one /proc.</summary>
    private static void AssertKernelAgrees(IReadOnlyList<JsonElement> resources)
    {
        var pids = resources.Where(r => r.Text("type") == "process").ToDictionary(r => r.Text("virtual"), r => r.Text("system"));
        string LinkOf(string path) => new FileInfo(path).LinkTarget ?? "";
        var space = LinkOf($"/proc/{pids["1"]}/ns/ipc");
        foreach (var resource in resources)
        {
            var (type, id, system) = (resource.Text("type"), resource.Text("virtual"), resource.Text("system"));
            var agrees = type switch
            {
                "process" or "thread" => File.ReadLines($"/proc/{system}/status").Any(line => line.StartsWith("NSpid:", StringComparison.Ordinal) && line.EndsWith($"\t{id}", StringComparison.Ordinal)),
                "semaphore" or "shared-memory" or "message-queue" => system == $"{space}/{id}",
                "posix-message-queue" => system == space + id,
                "tcp" or "udp" or "unix-socket" => Directory.GetFiles($"/proc/{pids[resource.GetProperty("owner").ToString()]}/fd").Any(fd => LinkOf(fd) == system),
                "posix-shared-memory" or "pty" => File.Exists(system),
                "mount" => File.ReadLines($"/proc/{pids["1"]}/mountinfo").Any(line => line.Split(' ') is var f && f[0] == system && f[4] == id),
                "path" => Directory.Exists(system) && system == $"/proc/{pids["1"]}/root{LinkOf($"/proc/{pids["1"]}/root{id}")}",
                "cgroup" => File.ReadLines(Path.Combine(system, "cgroup.procs")).Contains(pids["1"]),
                _ => system.Length > 0,
            };
            Assert.True(agrees, $"{type} {id} is said to be {system}");
        }
    }
}
