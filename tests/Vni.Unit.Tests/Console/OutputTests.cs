using System.Text.Json;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Client;
using Xunit;

namespace Vni.Unit.Tests.Cli;

/// <summary>What is printed, to the letter; the clock stands at noon, UTC.</summary>
public sealed class OutputTests
{
    private static readonly ApplicationView s_dormant = Examples.Application("a-longer-name", "dormant") with
    {
        Ip = "10.117.0.200",
        Hostname = "vni-10-117-0-200",
        Pids = [2, 3, 4, 5, 6, 7, 8, 9, 10],
        Snapshot = null,
        Changed = Examples.Noon.AddHours(-3).AddMinutes(-59),
    };

    private static readonly IReadOnlyList<NodeCheck> s_checks =
    [
        new("kernel", Ok: true, Required: true, "Linux 6.18", null),
        new("overlay", Ok: false, Required: true, "the kernel has none", "load it: 'modprobe overlay'"),
        new("dirty tracking", Ok: false, Required: false, "off", "use another kernel"),
    ];

    [Fact]
    public Task Applications_are_a_table_without_lines() => AssertPrints(
        "ps",
        daemon => daemon.On("GET /v1/applications", [Examples.Application(), s_dormant], VniJson.Default.IReadOnlyListApplicationView),
        """
        AID            STATUS   IP            HOSTNAME          PIDS      SNAPSHOT          CHANGED
        web            running  10.117.0.5    shop              2 3       web.0h2k4m6n8p1q  5 min ago
        a-longer-name  dormant  10.117.0.200  vni-10-117-0-200  2 3 4 +6  -                 3 h ago

        """);

    [Fact]
    public async Task A_terminal_gets_the_same_table_in_colour()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("GET /v1/applications", [Examples.Application()], VniJson.Default.IReadOnlyListApplicationView);
        Assert.Equal(
            """
            AID  STATUS   IP          HOSTNAME  PIDS  SNAPSHOT          CHANGED
            web  running  10.117.0.5  shop      2 3   web.0h2k4m6n8p1q  5 min ago

            """,
            (await CliRun.OnTerminal(daemon, colours: false, "ps")).Output);
        var coloured = (await CliRun.OnTerminal(daemon, colours: true, "ps")).Output;
        Assert.Contains("\e[32mrunning\e[0m", coloured);
        Assert.Contains("\e[1mweb\e[0m", coloured);
    }

    [Fact]
    public async Task A_narrow_terminal_keeps_names_and_addresses_whole()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("GET /v1/applications", [s_dormant with { Snapshot = "a-longer-name.0h2k4m6n8p1q" }], VniJson.Default.IReadOnlyListApplicationView);
        var run = await CliRun.Of(daemon, host => host with { OutputTerminal = new Vni.Cli.Output.ScreenTerminal(80, Colours: false) }, ["ps"]);
        Assert.All(run.Output.Split('\n'), line => Assert.True(line.Length <= 80));
        Assert.Contains("a-longer-name  dormant  10.117.0.200", run.Output);
        Assert.Contains("…", run.Output);
    }

    [Fact]
    public async Task Nothing_to_list_is_said_to_people_and_shown_to_programs()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("GET /v1/applications", [], VniJson.Default.IReadOnlyListApplicationView);
        daemon.On("GET /v1/snapshots", [], VniJson.Default.IReadOnlyListSnapshotView);
        Assert.Equal("No applications. Start one: vni run -- COMMAND\n", (await CliRun.OnTerminal(daemon, false, "ps")).Output);
        Assert.Equal("No snapshots. Take one: vni snapshot AID\n", (await CliRun.OnTerminal(daemon, false, "snapshots")).Output);
        Assert.Equal("AID  STATUS  IP  HOSTNAME  PIDS  SNAPSHOT  CHANGED\n", (await CliRun.Of(daemon, "ps")).Output);
        Assert.Equal("[]\n", (await CliRun.Of(daemon, "ps", "-o", "json")).Output);
    }

    [Fact]
    public Task Everything_about_an_application_is_shown() => AssertPrints(
        "inspect web",
        daemon => daemon.On("GET /v1/applications/web", Examples.Application(), VniJson.Default.ApplicationView),
        """
        web  running  for 5 min

          address    10.117.0.5
          mac        02:00:0a:75:00:05
          hostname   shop
          node       alder, epoch 1
          snapshot   web.0h2k4m6n8p1q
          root       /
          limits     memory 512 MiB, cpus 1.5
          created    2025-11-22 09:00:00 (3 h ago)

        Chain
          NAME  USER   WORKDIR         STATE  RESTARTS  ENDED  COMMAND
          main  redis  /var/lib/redis  -             -  -      redis-server --save ''

        Processes
          PID  HOST PID  PARENT  NAME  THREADS    MEMORY  COMMAND
            2     40112       1  main        5  12.4 MiB  redis-server *:6379
            3     40113       2  -           1   880 KiB  sh -c 'sleep 1'

        """);

    [Fact]
    public Task A_stopped_application_says_why_and_how_its_processes_ended() => AssertPrints(
        "inspect job",
        daemon => daemon.On("GET /v1/applications/job", s_stopped, VniJson.Default.ApplicationView),
        """
        job  stopped  since just now
          process a ended with status 3

          address    10.117.0.5
          mac        02:00:0a:75:00:05
          hostname   shop
          node       alder, epoch 1
          snapshot   none
          root       /
          limits     none
          created    2025-11-22 09:00:00 (3 h ago)

        Chain
          NAME  USER  WORKDIR  STATE  RESTARTS  ENDED     COMMAND
          a     root  /        -             -  status 3  a
          b     root  /        -             -  SIGKILL   b 'c d'
          c     root  /        -             -  status 0  c

        """);

    private static readonly ApplicationView s_stopped = Examples.Application("job", "stopped") with
    {
        Reason = "process a ended with status 3",
        Snapshot = null,
        Pids = [],
        Processes = [],
        Exits = [new("a", 3, null), new("b", null, 9), new("c", 0, null)],
        Changed = Examples.Noon,
        Declaration = new ApplicationDeclaration
        {
            Processes =
            [
                new ProcessDeclaration { Name = "a", Command = ["a"] },
                new ProcessDeclaration { Name = "b", Command = ["b", "c d"] },
                new ProcessDeclaration { Name = "c", Command = ["c"] },
            ],
        },
    };

    [Fact]
    public Task A_snapshot_is_told_with_its_size_and_phases() => AssertPrints(
        "snapshot web --sync",
        daemon => daemon.On("POST /v1/applications/web/snapshot", Examples.Snapshot(durable: true), VniJson.Default.SnapshotView),
        """
        web.0h2k4m6n8p1q  12.4 MiB  dormant  durable
          freeze 0.4 ms, dump 38.2 ms, layer 2.0 ms, total 40.7 ms

        """);

    [Theory]
    [InlineData(0, "no frames held")]
    [InlineData(1, "1 frame held and delivered")]
    [InlineData(3, "3 frames held and delivered")]
    public Task A_restore_is_told_with_the_frames_it_delivered(int frames, string told) => AssertPrints(
        "restore web --snapshot web.1",
        daemon => daemon.On("POST /v1/applications/web/restore", new RestoreView(Examples.Application(), "web.1", frames, [new Phase("restore", 1234.5)]), VniJson.Default.RestoreView),
        $"""
        web  running  from web.1, {told}
          restore 1.23 s

        """);

    [Fact]
    public Task Snapshots_are_a_table() => AssertPrints(
        "snapshots web",
        daemon => daemon.On("GET /v1/snapshots", [Examples.Snapshot(), Examples.Snapshot(durable: true) with { Size = 900 }], VniJson.Default.IReadOnlyListSnapshotView),
        """
        SNAPSHOT          AID      SIZE  NODE   DURABLE  CREATED
        web.0h2k4m6n8p1q  web  12.4 MiB  alder  not yet  12 s ago
        web.0h2k4m6n8p1q  web     900 B  alder  yes      12 s ago

        """);

    [Fact]
    public Task Events_are_one_line_each() => AssertPrints(
        "events web",
        daemon => daemon.OnText("GET /v1/applications/web/events", s_events),
        """
        2025-11-22 11:59:00  created      address 10.117.0.5
        2025-11-22 12:00:00  snapshotted  bad \x1b[2J name

        """);

    private static readonly string s_events =
        """
        {"number":1,"time":"2025-11-22T12:59:00+01:00","kind":"created","message":"address 10.117.0.5"}
        {"number":2,"time":"2025-11-22T12:00:00Z","kind":"snapshotted","message":"bad \u001b[2J name"}

        """;

    [Fact]
    public async Task Events_are_an_array_or_followed_one_document_a_line()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.OnText("GET /v1/applications/web/events", s_events);
        var array = JsonSerializer.Deserialize((await CliRun.Of(daemon, "events", "web", "-o", "json")).Output, VniJson.Default.IReadOnlyListApplicationEvent)!;
        Assert.Equal([1, 2], array.Select(e => e.Number));
        var lines = (await CliRun.Of(daemon, "events", "web", "-f", "-o", "json")).Output.Split('\n');
        Assert.Equal("""{"number":1,"time":"2025-11-22T12:59:00+01:00","kind":"created","message":"address 10.117.0.5"}""", lines[0]);
        Assert.Equal("""{"number":2,"time":"2025-11-22T12:00:00+00:00","kind":"snapshotted","message":"bad \u001B[2J name"}""", lines[1]);
    }

    [Fact]
    public async Task A_check_names_each_finding_and_its_remedy()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("GET /v1/version", new VersionView("0.1.0", "alder", 1), VniJson.Default.VersionView);
        daemon.On("GET /v1/check", s_checks, VniJson.Default.IReadOnlyListNodeCheck);
        var run = await CliRun.Of(daemon, "check");
        Assert.Equal(1, run.Status);
        Assert.Equal(
            $"""
            ok       daemon          vnid 0.1.0 answers at {daemon.SocketPath}
            ok       kernel          Linux 6.18
            FAILED   overlay         the kernel has none
                                     load it: 'modprobe overlay'
            missing  dirty tracking  off
                                     use another kernel

            Applications cannot run: 1 finding must be put right first.

            """,
            run.Output);
        Assert.StartsWith("✓  daemon  ", (await CliRun.OnTerminal(daemon, false, "check")).Output);

        daemon.On("GET /v1/check", [s_checks[0], s_checks[2]], VniJson.Default.IReadOnlyListNodeCheck);
        run = await CliRun.Of(daemon, "check");
        Assert.Equal(0, run.Status);
        Assert.EndsWith("\nApplications can run; 1 finding limits what they can do.\n", run.Output);
    }

    [Fact]
    public async Task A_check_of_an_application_names_what_is_in_the_way_and_what_passes()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        Finding lasting = new(7, 107, "python3", "io-uring", "has an io_uring instance open (fd 5)", "use another way");
        Finding passing = new(9, 109, "ma\nke", "uninterruptible", "waits inside the kernel", "try again", Transient: true);
        daemon.On("GET /v1/applications/web/check", new ApplicationCheckView("web", "n1", [lasting, passing]), VniJson.Default.ApplicationCheckView);
        var run = await CliRun.Of(daemon, "check", "web");
        Assert.Equal(1, run.Status);
        Assert.Equal(
            """
            io-uring         process 7 (python3) has an io_uring instance open (fd 5)
                             use another way
            uninterruptible  process 9 (ma\nke) waits inside the kernel  (may be a passing moment)
                             try again

            web cannot be saved: 1 finding must be put right first.

            """,
            run.Output);
        daemon.On("GET /v1/applications/web/check", new ApplicationCheckView("web", "n1", [passing]), VniJson.Default.ApplicationCheckView);
        Assert.EndsWith("web can be saved as soon as that has passed.\n", (await CliRun.Of(daemon, "check", "web")).Output);
        daemon.On("GET /v1/applications/web/check", new ApplicationCheckView("web", "n1", []), VniJson.Default.ApplicationCheckView);
        run = await CliRun.Of(daemon, "check", "web");
        Assert.Equal((0, "web  nothing keeps it from being saved\n"), (run.Status, run.Output));
    }

    [Fact]
    public async Task A_check_without_a_daemon_finds_that()
    {
        var run = await CliRun.Of(null, "check");
        Assert.Equal((1, ""), (run.Status, run.Error));
        Assert.Equal(
            """
            FAILED   daemon  vnid does not answer at /nonexistent/vnid.sock (no such file)
                             start it with 'sudo vnid' or 'systemctl start vnid', or name its socket with --socket

            Applications cannot run: 1 finding must be put right first.

            """,
            run.Output);
        var json = JsonSerializer.Deserialize((await CliRun.Of(null, "check", "-o", "json")).Output, VniJson.Default.IReadOnlyListNodeCheck)!;
        Assert.Equal(("daemon", false, true), (json[0].Name, json[0].Ok, json[0].Required));
    }

    [Fact]
    public async Task Half_of_the_version_is_known_without_a_daemon()
    {
        var run = await CliRun.Of(null, "version");
        Assert.Equal(1, run.Status);
        Assert.StartsWith("vni   ", run.Output);
        Assert.EndsWith("(daemon_unavailable)\n", run.Error);
        run = await CliRun.Of(null, "version", "-o", "json");
        Assert.Contains("\"daemon\": null", run.Output);
        Assert.Equal(ErrorCodes.DaemonUnavailable, JsonSerializer.Deserialize(run.Error, VniJson.Default.ErrorView)!.Error.Code);
    }

    [Fact]
    public async Task A_refusal_is_one_sentence_with_its_code_or_a_document()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.Refuse("POST /v1/applications", 409, ErrorCodes.AddressInUse, "address 10.117.0.5 is held by application shop; choose another with --ip");
        var run = await CliRun.Of(daemon, "run", "--ip", "10.117.0.5", "--", "sleep", "100");
        Assert.Equal((1, ""), (run.Status, run.Output));
        Assert.Equal("vni: address 10.117.0.5 is held by application shop; choose another with --ip (address_in_use)\n", run.Error);
        run = await CliRun.Of(daemon, "run", "-o", "json", "sleep");
        Assert.Equal(ErrorCodes.AddressInUse, JsonSerializer.Deserialize(run.Error, VniJson.Default.ErrorView)!.Error.Code);
        Assert.Equal("", run.Output);
    }

    [Fact]
    public async Task Lines_of_a_log_follow_the_sentence_that_they_explain()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.Refuse("POST /v1/applications/web/snapshot", 500, ErrorCodes.DumpFailed, "CRIU could not dump web; its log says:\nError: a \e[31mb\n");
        var run = await CliRun.Of(daemon, "snapshot", "web");
        Assert.Equal("vni: CRIU could not dump web; its log says: (dump_failed)\nError: a \\x1b[31mb\n", run.Error);
    }

    [Fact]
    public async Task A_bad_declaration_is_refused_with_all_its_problems_before_anything_is_asked()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "nmae: x\nprocesses: [{comand: a}]");
            var run = await CliRun.Of(null, "run", "-f", file);
            Assert.Equal(1, run.Status);
            Assert.Equal(
                $"""
                vni: {file} has 3 problems; nothing was started (invalid_argument)
                {file}:1:1: unknown key 'nmae'; did you mean 'name'?
                {file}:2:13: missing key 'command' in processes[0]; give the program and its arguments
                {file}:2:14: unknown key 'comand' in processes[0]; did you mean 'command'?

                """,
                run.Error);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Several_names_are_done_one_after_the_other_and_one_failure_stops_none()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("POST /v1/applications/a/stop", Examples.Application("a", "stopped"), VniJson.Default.ApplicationView);
        daemon.Refuse("POST /v1/applications/b/stop", 404, ErrorCodes.NotFound, "there is no application b");
        daemon.On("POST /v1/applications/c/stop", Examples.Application("c", "stopped"), VniJson.Default.ApplicationView);
        var run = await CliRun.Of(daemon, "stop", "a", "b", "c", "--grace", "1.5");
        Assert.Equal(new CliRun(1, "a  stopped\nc  stopped\n", "vni: there is no application b (not_found)\n"), run);
        Assert.Equal("""POST /v1/applications/a/stop {"graceSeconds":1.5}""", daemon.Requests.First());

        run = await CliRun.Of(daemon, "stop", "a", "b", "c", "-o", "json");
        Assert.Equal(["a", "c"], JsonSerializer.Deserialize(run.Output, VniJson.Default.IReadOnlyListApplicationView)!.Select(a => a.Aid));
        Assert.Equal(1, run.Status);
        run = await CliRun.Of(daemon, "stop", "a", "-o", "json");
        Assert.Equal("a", JsonSerializer.Deserialize(run.Output, VniJson.Default.ApplicationView)!.Aid);
    }

    [Fact]
    public async Task Removal_is_told()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("DELETE /v1/applications/web", context => { context.Response.StatusCode = 204; return Task.CompletedTask; });
        Assert.Equal(new CliRun(0, "web  removed\n", ""), await CliRun.Of(daemon, "rm", "web", "--force"));
        Assert.Equal("DELETE /v1/applications/web?force=true", Assert.Single(daemon.Requests));
        Assert.Equal("{\n  \"aid\": \"web\",\n  \"removed\": true\n}\n", (await CliRun.Of(daemon, "rm", "web", "-o", "json")).Output);
    }

    [Fact]
    public async Task Logs_are_bytes_for_programs_harmless_for_terminals_and_lines_in_json()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.OnText("GET /v1/applications/web/logs", "a \e[31mb\e[2J\nlast");
        Assert.Equal("a \e[31mb\e[2J\nlast", (await CliRun.Of(daemon, "logs", "web", "--tail", "2")).Output);
        Assert.Equal("a \e[31mb\\x1b[2J\nlast\e[0m", (await CliRun.OnTerminal(daemon, true, "logs", "web")).Output);
        Assert.Equal("{\"line\":\"a \\u001B[31mb\\u001B[2J\"}\n{\"line\":\"last\"}\n", (await CliRun.Of(daemon, "logs", "web", "-f", "-o", "json")).Output);
        var document = (await CliRun.Of(daemon, "logs", "web", "-o", "json")).Output;
        Assert.Equal("last", JsonDocument.Parse(document).RootElement.GetProperty("lines")[1].GetString());
        Assert.Equal("GET /v1/applications/web/logs?tail=2", daemon.Requests.First());
    }

    [Fact]
    public async Task What_an_application_calls_itself_cannot_drive_the_terminal()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        var evil = "\e]0;x\a\e[2J[red]\n\u009b\u202e";
        var application = Examples.Application() with
        {
            Hostname = evil, Node = evil, Reason = evil, Status = evil, Ip = evil, Snapshot = evil,
            Processes = [new LiveProcess(2, 3, 1, evil, evil, 1, 1)],
            Declaration = new ApplicationDeclaration { Root = evil, Processes = [new ProcessDeclaration { Name = evil, Command = [evil], User = evil, Workdir = evil }] },
        };
        daemon.On("GET /v1/applications", [application], VniJson.Default.IReadOnlyListApplicationView);
        daemon.On("GET /v1/applications/web", application, VniJson.Default.ApplicationView);
        daemon.On("POST /v1/applications", application, VniJson.Default.ApplicationView);
        daemon.On("GET /v1/snapshots", [Examples.Snapshot() with { Snapshot = evil, Node = evil, Status = evil }], VniJson.Default.IReadOnlyListSnapshotView);
        daemon.On("GET /v1/version", new VersionView(evil, evil, 1), VniJson.Default.VersionView);
        daemon.On("GET /v1/check", [new NodeCheck(evil, false, true, evil, evil)], VniJson.Default.IReadOnlyListNodeCheck);
        daemon.Refuse("POST /v1/applications/web/start", 500, evil, evil);
        foreach (var line in new[] { "ps", "inspect web", "stop web", "run x", "snapshots", "version", "check", "start web", "ps -o json", "start web -o json" })
        {
            foreach (var run in new[] { await CliRun.Of(daemon, line.Split(' ')), await CliRun.OnTerminal(daemon, colours: false, line.Split(' ')) })
            {
                Assert.NotEmpty(run.Output + run.Error);
                // In JSON a direction is data; it moves nothing but text.
                Assert.DoesNotContain(run.Output + run.Error, c => c is '\e' or '\a' or '\u009b' || (c is '\u202e' && !line.EndsWith("json", StringComparison.Ordinal)));
            }
        }
    }

    private static async Task AssertPrints(string line, Action<FakeDaemon> given, string printed)
    {
        await using var daemon = await FakeDaemon.StartAsync();
        given(daemon);
        var run = await CliRun.Of(daemon, line.Split(' '));
        Assert.Equal(new CliRun(0, printed, ""), run);
    }
}
