using Microsoft.AspNetCore.Http;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Cli.Output;
using Vni.Unit.Tests.Client;
using Xunit;

namespace Vni.Unit.Tests.Cli;

/// <summary>What the commands of the farm ask, print and return; the clock stands at noon, UTC.</summary>
public sealed class FarmOutputTests
{
    private static readonly NodeView s_alder = new()
    {
        Node = "alder", Status = "up", Endpoint = "10.0.0.1:7117", Leader = true, Running = 2, Applications = 3, Cpus = 4, Memory = 8L << 30, Version = "0.1.0",
        Kernel = "6.18.1", Criu = "4.2.1", Cpu = "Fast", Labels = new Dictionary<string, string> { ["zone"] = "b", ["disk"] = "ssd" }, Joined = Examples.Noon.AddMinutes(-5),
    };

    private static readonly NodeView s_birch = new() { Node = "birch", Status = "down", Applications = 1 };

    private static readonly ClusterView s_cluster = new()
    {
        Farm = "wood", Node = "alder", Leader = "alder", Registry = "etcd", RegistryVersion = "3.5.1", Seeds = ["https://10.0.0.9:2379"], Revision = 42, LeaseSeconds = 10,
        Nodes = [s_alder], Applications = new Dictionary<string, int> { ["running"] = 2, ["dormant"] = 1, ["stopped"] = 0 },
    };

    private static readonly MigrationView s_migration = new()
    {
        Application = Examples.Application(), From = "alder", To = "birch", Phases = [new Phase("prepare", 12.34), new Phase("freeze", 0.5)], FreezeMilliseconds = 42.1, FramesHeld = 1, Bytes = 3 << 20,
    };

    [Fact]
    public Task A_migration_shows_its_freeze_and_phases() => AssertPrints(
        "migrate web birch --timeout 90s",
        0,
        """
        web  running  alder -> birch  frozen for 42.1 ms, 3 MiB sent meanwhile, 1 frame held and delivered
          prepare 12.3 ms, freeze 0.5 ms, total 12.8 ms

        """,
        "POST /v1/applications/web/migrate {\"node\":\"birch\",\"timeoutSeconds\":90,\"dryRun\":false}",
        daemon => daemon.On("POST /v1/applications/web/migrate", s_migration, VniJson.Default.MigrationView));

    [Fact]
    public Task A_dry_run_names_what_blocks_and_fails() => AssertPrints(
        "migrate --dry-run web birch",
        1,
        """
        web  cannot go from alder to birch:
          process 3 (sh) uses io_uring

        """,
        "POST /v1/applications/web/migrate {\"node\":\"birch\",\"timeoutSeconds\":60,\"dryRun\":true}",
        daemon => daemon.On("POST /v1/applications/web/migrate", s_migration with { DryRun = true, Blockers = ["process 3 (sh) uses io_uring"] }, VniJson.Default.MigrationView));

    [Fact]
    public Task A_dry_run_that_finds_nothing_says_so() => AssertPrints(
        "migrate --dry-run web birch",
        0,
        "web  can go from alder to birch\n",
        null,
        daemon => daemon.On("POST /v1/applications/web/migrate", s_migration with { DryRun = true }, VniJson.Default.MigrationView));

    [Fact]
    public Task A_drain_shows_each_application_and_fails_if_one_stays() => AssertPrints(
        "drain alder",
        1,
        """
        1/2  web  is now on birch
        2/2  shop  stays: no node has room
        1 of 2 applications have stayed on alder; put right what is said above and repeat the command.

        """,
        "POST /v1/nodes/alder/drain",
        daemon => daemon.OnText("POST /v1/nodes/alder/drain", s_drain));

    [Theory]
    [InlineData("", "")]
    [InlineData("; it runs on where it is", "; it runs on where it is")]
    public async Task A_refusal_with_findings_is_a_line_each(string tail, string told)
    {
        await using var daemon = await FakeDaemon.StartAsync();
        Finding[] findings =
        [
            new(3, 103, "sh", FindingKinds.IoUring, "has an io_uring instance open (fd 5)", "use another way"),
            new(4, 104, "sh", FindingKinds.Visitor, "is a visitor", "end it"),
        ];
        var message = $"application web cannot be saved: {string.Join("; ", findings.Select(f => f.Text))}{tail}";
        daemon.On("POST /v1/applications/web/snapshot", new ErrorView(new ErrorBody("not_dumpable", message) { Findings = findings }), VniJson.Default.ErrorView, 409);
        Assert.Equal(
            $"""
            vni: application web cannot be saved{told} (not_dumpable):
              process 3 (sh) has an io_uring instance open (fd 5): use another way
              process 4 (sh) is a visitor: end it

            """,
            (await CliRun.Of(daemon, "snapshot", "web")).Error);
        Assert.Contains(message, (await CliRun.Of(daemon, "snapshot", "web", "-o", "json")).Error);
    }

    [Theory]
    [InlineData(80, "TYPE  VIRTUAL                     NODE   SYSTEM             OWNER  DISPOSITION")]
    [InlineData(40, "TYPE  VIRTUAL                     NODE   SYSTEM")]
    public async Task Resource_ids_are_whole_on_a_terminal_however_narrow(int columns, string head)
    {
        await using var daemon = await FakeDaemon.StartAsync();
        var resource = new ResourceView
        {
            Aid = "web", Type = "ipc", Virtual = "10.117.0.5:6379-10.117.0.9", Node = "alder", System = "net:[4026532181234]", Owner = 7, Since = Examples.Noon.AddMinutes(-5),
            Disposition = "virtualize", Detail = "listening, with a long tail of words",
        };
        daemon.On("GET /v1/applications/web/resources", [resource], VniJson.Default.IReadOnlyListResourceView);
        var lines = (await CliRun.Of(daemon, host => host with { OutputTerminal = new ScreenTerminal(columns, false) }, ["rids", "web"])).Output.Split('\n');
        Assert.Equal(head.Replace(" ", ""), lines[0].Replace(" ", ""));
        Assert.Contains("10.117.0.5:6379-10.117.0.9  alder  net:[4026532181234]", lines[1]);
    }

    [Fact]
    public Task A_drain_names_the_visitors_that_were_ended() => AssertPrints(
        "drain alder --close-visitors",
        0,
        """
        1/1  web  is now on birch
          closed visitor 5: sleep 333
        alder is empty.

        """,
        null,
        daemon => daemon.OnText(
            "POST /v1/nodes/alder/drain",
            """
            {"done":1,"total":1,"aid":"web","to":"birch","error":null,"closedVisitors":[{"pid":5,"hostPid":105,"command":"sleep 333"}]}
            {"done":1,"total":1,"aid":null,"to":null,"error":null}

            """));

    private static readonly string s_drain =
        """
        {"done":1,"total":2,"aid":"web","to":"birch","error":null}
        {"done":2,"total":2,"aid":"shop","to":null,"error":{"code":"no_space","message":"no node has room"}}
        {"done":2,"total":2,"aid":null,"to":null,"error":null}

        """;

    [Fact]
    public Task A_node_without_applications_leaves_at_once() => AssertPrints(
        "cluster leave alder", 0, "alder has left the farm.\n", "POST /v1/nodes/alder/leave", daemon => daemon.OnText("POST /v1/nodes/alder/leave", "{\"done\":0,\"total\":0}\n"));

    [Fact]
    public async Task A_drain_whose_end_is_not_told_has_failed()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.OnText("POST /v1/nodes/alder/drain", s_drain.Split('\n')[0] + "\n");
        var run = await CliRun.Of(daemon, "drain", "alder");
        Assert.Equal((1, "1/2  web  is now on birch\n"), (run.Status, run.Output));
        Assert.Contains("(daemon_unavailable)", run.Error);
    }

    [Theory]
    [InlineData("drain", "drain", "alder", "--wait", "3s", "--close-visitors")]
    [InlineData("leave", "cluster", "leave", "alder", "--wait", "3s", "--close-visitors")]
    public async Task A_drain_says_how_applications_are_made_quiet(string route, params string[] command)
    {
        await using var daemon = await FakeDaemon.StartAsync();
        var body = "";
        daemon.On($"POST /v1/nodes/alder/{route}", async context =>
        {
            body = await new StreamReader(context.Request.Body).ReadToEndAsync();
            await context.Response.WriteAsync(s_drain);
        });
        await CliRun.Of(daemon, command);
        Assert.Equal("""{"waitSeconds":3,"closeVisitors":true}""", body);
    }

    [Fact]
    public async Task A_drain_for_programs_is_a_document_a_line()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.OnText("POST /v1/nodes/alder/drain", s_drain);
        var run = await CliRun.Of(daemon, "drain", "alder", "-o", "json");
        Assert.Equal((1, s_drain.Split('\n')[0]), (run.Status, run.Output.Split('\n')[0]));
        Assert.Equal(4, run.Output.Split('\n').Length);
    }

    [Fact]
    public Task Nodes_are_a_table_of_machines() => AssertPrints(
        "nodes",
        0,
        """
        NODE   STATUS  CPUS  MEMORY  VNID   CRIU   KERNEL  CPU   LABELS
        alder  up         4   8 GiB  0.1.0  4.2.1  6.18.1  Fast  disk=ssd zone=b
        birch  down       -       -  -      -      -       -     -

        """,
        "GET /v1/nodes",
        daemon => daemon.On("GET /v1/nodes", [s_alder, s_birch], VniJson.Default.IReadOnlyListNodeView));

    [Fact]
    public Task The_cluster_is_a_table_of_members() => AssertPrints(
        "cluster show",
        0,
        """
        NODE   STATUS  ENDPOINT       RUNNING  APPLICATIONS  JOINED     ROLE
        alder  up      10.0.0.1:7117        2             3  5 min ago  leader, asked

        """,
        "GET /v1/cluster",
        daemon => daemon.On("GET /v1/cluster", s_cluster, VniJson.Default.ClusterView));

    [Fact]
    public Task A_farm_that_is_well_says_so() => AssertPrints(
        "cluster status",
        0,
        """
        wood  well

          asked      alder
          leader     alder
          nodes      1 up
          holds      2 running, 1 dormant
          registry   etcd 3.5.1, revision 42
          seeds      https://10.0.0.9:2379
          lease      10 s

        """,
        null,
        daemon => daemon.On("GET /v1/cluster", s_cluster, VniJson.Default.ClusterView));

    [Fact]
    public Task A_farm_that_is_not_well_says_why_and_fails() => AssertPrints(
        "cluster status",
        1,
        """
        wood  not well
          node birch is down and 1 application names it
          no node leads: nothing is recovered until one does

          asked      alder
          leader     none
          nodes      1 down, 1 up
          holds      no applications
          registry   etcd 3.5.1, revision 42
          seeds      https://10.0.0.9:2379
          lease      10 s

        """,
        null,
        daemon => daemon.On(
            "GET /v1/cluster",
            s_cluster with { Leader = null, Nodes = [s_alder, s_birch], Applications = new Dictionary<string, int>() },
            VniJson.Default.ClusterView));

    [Fact]
    public Task A_single_machine_needs_no_leader_to_be_well() => AssertPrints(
        "cluster status",
        0,
        """
        wood  well

          asked      alder
          leader     none: a single machine has nobody to lead
          nodes      1 up
          holds      2 running, 1 dormant
          registry   sqlite, revision 42
          seeds      none: the registry is in the daemon
          lease      10 s

        """,
        null,
        daemon => daemon.On(
            "GET /v1/cluster", s_cluster with { Leader = null, Registry = "sqlite", RegistryVersion = "", Seeds = [] }, VniJson.Default.ClusterView));

    [Fact]
    public Task A_dead_node_is_given_up() => AssertPrints(
        "cluster down birch --force", 0, "birch  was given up\n", "POST /v1/nodes/birch/down?force=true", daemon => daemon.OnText("POST /v1/nodes/birch/down", ""));

    [Fact]
    public Task What_happens_in_the_farm_is_a_line_each() => AssertPrints(
        "cluster watch",
        0,
        """
        2025-11-22 12:00:00  joined       birch  node birch has joined
        2025-11-22 12:00:01  running      web@birch  was recovered

        """,
        "GET /v1/cluster/watch",
        daemon => daemon.OnText(
            "GET /v1/cluster/watch",
            """
            {"time":"2025-11-22T12:00:00Z","kind":"joined","node":"birch","aid":null,"message":"node birch has joined"}
            {"time":"2025-11-22T12:00:01Z","kind":"running","node":"birch","aid":"web","message":"was recovered"}

            """));

    [Fact]
    public Task Actors_are_a_tree() => AssertPrints(
        "actor hierarchy", 0, "applications\n  web\nnode\n", "GET /v1/actors",
        daemon => daemon.On("GET /v1/actors", ["/applications", "/applications/web", "/node"], VniJson.Default.IReadOnlyListString));

    [Fact]
    public Task Shards_are_a_table() => AssertPrints(
        "sharding list",
        0,
        """
        AID  NODE   EPOCH  STATUS   OWNED
        web  alder      3  dormant  no

        """,
        "GET /v1/shards",
        daemon => daemon.On("GET /v1/shards", [new ShardView("web", "alder", 3, "dormant", false)], VniJson.Default.IReadOnlyListShardView));

    [Fact]
    public Task The_registry_shows_its_pairs() => AssertPrints(
        "registry get owners/ --limit 5",
        0,
        """
        owners/web  revision 7, lease ff
          {"node":"alder"}

        """,
        "GET /v1/registry?prefix=owners%2F&limit=5",
        daemon => daemon.On("GET /v1/registry", [new RegistryPairView("owners/web", "{\"node\":\"alder\"}", 7, 255)], VniJson.Default.IReadOnlyListRegistryPairView));

    [Fact]
    public async Task The_list_names_nodes_where_there_are_several()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("GET /v1/applications", [Examples.Application(), Examples.Application("job") with { Node = "birch" }], VniJson.Default.IReadOnlyListApplicationView);
        Assert.StartsWith(
            """
            AID  STATUS   NODE   IP
            web  running  alder  10.117.0.5
            job  running  birch  10.117.0.5
            """.Split('\n')[0],
            (await CliRun.Of(daemon, "ps")).Output);
    }

    [Fact]
    public async Task A_script_on_standard_input_runs_line_by_line()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("GET /v1/actors", ["/node"], VniJson.Default.IReadOnlyListString);
        var script = "# a comment\nactor hierarchy\n\nvni actor hierarchy\nbogus\nexit\nactor hierarchy\n";
        var run = await CliRun.Of(daemon, host => host with { Input = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(script)) }, ["console"]);
        Assert.Equal((2, "node\nnode\n"), (run.Status, run.Output));
        Assert.Contains("there is no command 'bogus'", run.Error);
    }

    [Fact]
    public async Task Top_is_shown_once_where_nobody_watches()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("GET /v1/cluster", s_cluster, VniJson.Default.ClusterView);
        daemon.On("GET /v1/applications", [Examples.Application()], VniJson.Default.IReadOnlyListApplicationView);
        Assert.Equal(
            """
            wood  well  2 running, 1 dormant  2025-11-22 12:00:00

            NODE   STATUS  RUNNING  APPLICATIONS  CPUS  MEMORY  ROLE
            alder  up            2             3     4   8 GiB  leader

            AID  STATUS   NODE   IP          PROCESSES    MEMORY  CHANGED
            web  running  alder  10.117.0.5          2  13.3 MiB  5 min ago

            """,
            (await CliRun.Of(daemon, "top")).Output);
    }

    private static async Task AssertPrints(string line, int status, string printed, string? request, Action<FakeDaemon> given)
    {
        await using var daemon = await FakeDaemon.StartAsync();
        given(daemon);
        var run = await CliRun.Of(daemon, line.Split(' '));
        Assert.Equal(new CliRun(status, printed, ""), run);
        if (request is not null) Assert.Equal([request], daemon.Requests);
    }
}
