using System.Text;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Rules;
using Vni.Interposer;
using Vni.Interposer.Instances;
using Xunit;

namespace Vni.Unit.Tests.Instances;

public sealed class HarnessProtocolTests
{
    [Fact]
    public void The_spec_of_an_instance_is_keys_and_values_in_order()
    {
        var options = new InterposerOptions
        {
            Node = "n1", StateDirectory = "/state", RuntimeDirectory = "/run/vni", HarnessPath = "/appshot", CriuPath = "/criu",
            Network = new NetworkOptions { Subnet = System.Net.IPAddress.Any, PrefixLength = 16 },
        };
        var spec = new InstanceSpec(
            Aid.Parse("web"),
            new VirtualIdentity("10.117.0.5", 16, "02:00:0a:75:00:05", "web-1"),
            new ApplicationDeclaration
            {
                Processes =
                [
                    new ProcessDeclaration { Name = "a", Command = ["/bin/echo", "", "two words"], Env = new Dictionary<string, string> { ["Z"] = "1", ["A"] = "x=y" }, User = "u:g", Workdir = "/tmp" },
                    new ProcessDeclaration { Name = "b", Command = ["true"] },
                ],
            },
            1);
        var text = Encoding.UTF8.GetString(HarnessSpec.ForInstance(spec, new InstancePaths(options, spec.Aid), ["/cg/a", "/cg/b"]));
        Assert.Equal(
            "hostname|web-1|lower|/|upper|/state/instances/web/upper|work|/state/instances/web/work|root|/state/instances/web/root|cgroup|/cg/a|cgroup|/cg/b|"
            + "process|a|user|u:g|workdir|/tmp|env|A=x=y|env|Z=1|arg|/bin/echo|arg||arg|two words|"
            + "process|b|user|root|workdir|/|arg|true|end||",
            text.Replace('\0', '|'));

        // What rules set is every process's, unless it has its own.
        var rules = new EvaluatedRules { Environment = new Dictionary<string, string> { ["A"] = "rules", ["B"] = "rules" } };
        text = Encoding.UTF8.GetString(HarnessSpec.ForInstance(spec with { Rules = rules }, new InstancePaths(options, spec.Aid), [])).Replace('\0', '|');
        Assert.Contains("|env|A=x=y|env|B=rules|env|Z=1|arg|/bin/echo|", text, StringComparison.Ordinal);
        Assert.Contains("|workdir|/|env|A=rules|env|B=rules|arg|true|", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_spec_of_a_program_that_joins_names_its_request_and_its_place_in_the_chain()
    {
        var process = new ProcessDeclaration
        {
            Name = "db",
            Command = ["db"],
            After = ["a", "b"],
            Restart = new RestartPolicy { Policy = "always", DelaySeconds = 0.5, MaxCount = 3 },
            Ready = new ReadinessTest { Command = ["check", "-x"], TimeoutSeconds = 1.5 },
            StopSignal = "SIGINT",
            GraceSeconds = 2,
        };
        Assert.Equal(
            "request|42|process|db|user|root|workdir|/|arg|db|after|a|after|b|restart|always|restart-delay|500|restart-limit|60000|restart-reset|60000|restart-count|3|"
            + "ready-arg|check|ready-arg|-x|ready-interval|200|ready-timeout|1500|stop-signal|2|grace|2000|end||",
            Encoding.UTF8.GetString(HarnessSpec.ForJoin(process, "42")).Replace('\0', '|'));
    }

    [Theory]
    [InlineData(true, 120, 50, "cgroup|/cg|terminal|120x50|process|visitor|user|root|workdir|/|arg|sh|end||")]
    [InlineData(true, 0, -1, "cgroup|/cg|terminal|80x24|process|visitor|user|root|workdir|/|arg|sh|end||")]
    [InlineData(false, 120, 50, "cgroup|/cg|process|visitor|user|root|workdir|/|arg|sh|end||")]
    public void The_spec_of_a_visitor_names_its_terminal(bool terminal, int columns, int rows, string expected) => Assert.Equal(
        expected,
        Encoding.UTF8.GetString(HarnessSpec.ForVisitor(new VisitorRequest(["sh"], new Dictionary<string, string>(), "root", "/", terminal, columns, rows), ["/cg"])).Replace('\0', '|'));

    [Fact]
    public void A_value_with_a_nul_is_refused()
    {
        var e = Assert.Throws<VniException>(() => HarnessSpec.ForVisitor(new VisitorRequest(["a\0arg\0b"], new Dictionary<string, string>(), "root", "/", false, 0, 0), []));
        Assert.Equal(ErrorCodes.InvalidArgument, e.Code);
    }

    [Fact]
    public void Messages_of_the_harness_are_understood_and_others_are_errors()
    {
        Assert.Null(HarnessMessage.Parse(null));
        Assert.Equal(new HarnessMessage.Init(4711), Parse("init 4711"));
        Assert.Equal(new HarnessMessage.Started(), Parse("started"));
        Assert.Equal(new HarnessMessage.Terminal(), Parse("tty"));
        Assert.Equal(new HarnessMessage.Error("user_not_found", "web www"), Parse("error user_not_found web www"));
        foreach (var bad in new[] { "", "init", "init 0", "init -3", "init x", "Started", "started now" }) Assert.Equal("internal", Assert.IsType<HarnessMessage.Error>(Parse(bad)).Code);
    }

    [Theory]
    [InlineData("command_not_found", "web /opt/x", "cannot start 'web' of application shop: command '/opt/x' does not exist in the instance's root; check the path")]
    [InlineData("command_not_found", "web /home/me/x", "cannot start 'web' of application shop: command '/home/me/x' does not exist in the instance's root; check the path: the node's /home is hidden from instances (masks in vnid.yaml), so put the files elsewhere")]
    [InlineData("command_not_executable", "web /opt/x: Permission denied", "cannot start 'web' of application shop: command /opt/x: Permission denied; it must be")]
    [InlineData("workdir_not_found", "web /x: No such file or directory", "working directory /x: No such file or directory; name one")]
    [InlineData("internal", "- mount proc: EPERM", "cannot start application shop: mount proc: EPERM; 'vni check'")]
    public void Errors_become_sentences(string code, string detail, string sentence)
    {
        var e = HarnessErrors.OfStart("shop", new HarnessMessage.Error(code, detail), ["/root", "/home"]);
        Assert.Equal(code, e.Code);
        Assert.Contains(sentence, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_code_of_the_harness_is_never_passed_on() =>
        Assert.Equal(ErrorCodes.Internal, HarnessErrors.OfVisit("shop", new HarnessMessage.Error("made_up", "x"), []).Code);

    [Fact]
    public void Exit_records_are_read_and_nonsense_in_them_is_left_out()
    {
        var exits = ChainRecords.ParseExits("a exit 3\nb signal 15\na exit 4\nc exit 256\nd signal 0\ne exit -1\nf exits 1\n\ng exit\nh exit 1 2\ni exit 7");
        Assert.Equal([new ProcessExit("a", 3, null), new ProcessExit("b", null, 15), new ProcessExit("i", 7, null)], exits.Values);
        Assert.Equal([(2, "a"), (17, "b")], ChainRecords.ParsePids("a 2\nb 17\nc\nd x\ne -1\nf 2").Select(p => (p.Key, p.Value)));
    }

    [Fact]
    public void One_that_waits_for_its_restart_or_has_joined_ends_with_the_instance()
    {
        var members = ChainRecords.ParseMembers("a waiting 3\nb ended 0\nc running 1\nd  ended 1\ne sleeping 1\n../f ended 1\ng running -1");
        Assert.Equal([("a", "waiting", 3L), ("b", "ended", 0L), ("c", "running", 1L)], members);
        Assert.Equal(
            [new ProcessExit("b", 2, null), new ProcessExit("x", null, 9), new ProcessExit("a", null, 9), new ProcessExit("c", null, 9)],
            ChainRecords.Exits(ChainRecords.ParseExits("a exit 1\nb exit 2\nc exit 3"), members, ["b", "x"]));
    }

    private static HarnessMessage? Parse(string text) => HarnessMessage.Parse(Encoding.UTF8.GetBytes(text));
}
