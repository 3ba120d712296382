using System.Text;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Cli.Declarations;
using Vni.Cli.Output;
using Vni.Cli.Playground;
using Vni.Cli.Terminal;
using Vni.Cli.Values;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class FarmArgumentTests
{
    [Theory]
    [InlineData("farm", "'vni farm' needs a command: up, down, status, exec, client, partition, heal, kill, restart", "vni farm")]
    [InlineData("farm upp", "there is no command 'vni farm upp'; did you mean 'up'?", "vni farm")]
    [InlineData("cluster sow", "there is no command 'vni cluster sow'; did you mean 'show'?", "vni cluster")]
    [InlineData("farm up --nodes 0", "--nodes needs a number from 1 to 32", "vni farm up")]
    [InlineData("farm up --name ../x", "farm name '../x' is not valid", "vni farm up")]
    [InlineData("farm exec n1", "required argument 'COMMAND' missing", "vni farm exec")]
    [InlineData("farm up --node 3", "unknown option '--node'; did you mean '--nodes'?", "vni farm up")]
    [InlineData("migrate web", "required argument 'NODE' missing", "vni migrate")]
    [InlineData("migrate web n2 --timeout soon", "--timeout 'soon' is not a length of time: use seconds, or a number with ms, s, m, h or d, such as 90s or 5m", "vni migrate")]
    [InlineData("run --checkpoint often -- true", "--checkpoint 'often' is not a length of time", "vni run")]
    [InlineData("registry get --limit 0", "--limit needs a number from 1 on", "vni registry get")]
    [InlineData("certificates issue /x n1 --role king", "--role 'king' is unknown: use node, operator, registry", "vni certificates issue")]
    public async Task What_makes_no_sense_is_said_with_the_commands_whole_name(string line, string problem, string command)
    {
        var run = await CliRun.Of(null, line.Split(' '));
        Assert.Equal((2, ""), (run.Status, run.Output));
        Assert.Contains($"vni: {problem}", run.Error);
        Assert.EndsWith($"See '{command} --help'.\n", run.Error);
    }

    [Theory]
    [InlineData("shop", "tcp", "")]
    [InlineData("process", "")]
    public async Task An_empty_resource_id_is_refused_before_anybody_is_asked(params string[] words)
    {
        var run = await CliRun.Of(null, ["translate", .. words]);
        Assert.Equal((2, "vni: the resource's id is empty: give one, as 'vni rids AID' shows them\nSee 'vni translate --help'.\n"), (run.Status, run.Error));
    }

    [Fact]
    public async Task An_interrupted_command_says_what_became_of_its_work()
    {
        using var error = new MemoryStream();
        using var interruption = new Interruption();
        interruption.Raise(2);
        var task = Task.FromCanceled<int>(interruption.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Interrupted.TellAsync(new Screen(error, null), "everything was removed", task, interruption.Token));
        Assert.Equal("interrupted; everything was removed\n", Encoding.UTF8.GetString(error.ToArray()));
        Assert.Equal(7, await Interrupted.TellAsync(new Screen(Stream.Null, null), "nothing", Task.FromResult(7), interruption.Token));
    }

    [Theory]
    [InlineData(false, true, "3 nodes and Lighthouse, without IPv6")]
    [InlineData(true, false, "3 nodes and Lighthouse, with IPv6")]
    [InlineData(false, false, "3 nodes and Lighthouse")]
    public void A_farm_that_is_in_the_way_says_whether_it_has_IPv6(bool there, bool wanted, string text) =>
        Assert.Equal(text, new FarmShape("farm", 3, Etcd: false) { Ipv6 = there }.Beside(new FarmShape("farm", 2, Etcd: false) { Ipv6 = wanted }));

    [Fact]
    public async Task Help_of_a_group_lists_its_commands_and_help_of_a_command_has_its_whole_name()
    {
        var group = (await CliRun.Of(null, "farm", "--help")).Output;
        Assert.Contains("Usage: vni farm COMMAND [options]\n", group);
        Assert.Contains("\n  partition   Cut members", group);
        Assert.Contains("\nSee 'vni farm COMMAND --help' for what a command takes.\n", group);
        Assert.Contains("Usage: vni farm exec [options] MEMBER -- COMMAND...\n", (await CliRun.Of(null, "farm", "exec", "--help")).Output);
    }

    [Theory]
    [InlineData("farm|", "up down status exec client partition heal kill restart")]
    [InlineData("farm|up|--n", "--name --nodes")]
    [InlineData("cluster|s", "show status")]
    [InlineData("certificates|issue|/x|n1|--role|", "node operator registry")]
    [InlineData("registry|get|o", "owners/")]
    public async Task Groups_complete(string words, string candidates)
    {
        var run = await CliRun.Of(null, ["__complete", "--", .. words.Split('|')]);
        Assert.Equal(candidates.Split(' ').Order(), run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')[0]).Order());
    }

    [Fact]
    public async Task Without_a_farm_its_commands_say_how_to_make_one()
    {
        var run = await CliRun.Of(null, "farm", "status", "--name", "no-such-farm");
        Assert.Equal((1, ""), (run.Status, run.Output));
        if (Environment.IsPrivilegedProcess) Assert.Equal("vni: farm 'no-such-farm' is not up: make it with 'vni farm up --name no-such-farm' (not_found)\n", run.Error);
    }

    [Theory]
    [InlineData("90", 90)]
    [InlineData("90s", 90)]
    [InlineData("5m", 300)]
    [InlineData("1.5h", 5400)]
    [InlineData("2d", 172800)]
    [InlineData("500ms", 0.5)]
    [InlineData("10000d", 864_000_000)]
    public void Lengths_of_time_are_read(string text, double seconds)
    {
        Assert.True(Durations.TryParse(text, out var read));
        Assert.Equal(seconds, read, 9);
    }

    [Theory]
    [InlineData("")]
    [InlineData("m")]
    [InlineData("-5m")]
    [InlineData("5 m")]
    [InlineData("5M")]
    [InlineData("10001d")]
    [InlineData("79228162514264337593543950335d")]
    [InlineData("1e3")]
    public void Other_lengths_are_refused(string text) => Assert.False(Durations.TryParse(text, out _));

    [Fact]
    public void A_declaration_may_name_its_node_and_its_checkpoints()
    {
        var declaration = ApplicationFile.Parse("node: n2\ncheckpoint: { every: 5m }\nprocesses: [{command: x}]", "a.yaml");
        Assert.Equal(("n2", 300), (declaration.Node, declaration.Checkpoint!.EverySeconds));
        Assert.Empty(DeclarationValidator.Problems(declaration));
        var overridden = new RunOptions { Node = "n3", Checkpoint = 60 }.Over(declaration);
        Assert.Equal(("n3", 60), (overridden.Node, overridden.Checkpoint!.EverySeconds));
    }

    [Theory]
    [InlineData("checkpoint: {}", "missing key 'every' in checkpoint; say how often, such as 5m")]
    [InlineData("checkpoint: { every: 0.5s }", "a.yaml:1:22: checkpoint.every '0.5s' is not valid: use seconds, or a number with ms, s, m, h or d, such as 90s or 5m, at least 1s")]
    [InlineData("checkpoint: { evry: 5m }", "unknown key 'evry' in checkpoint; did you mean 'every'?")]
    [InlineData("node: N2", "a.yaml:1:7: node 'N2' is not valid")]
    public void Problems_of_these_keys_have_their_place(string yaml, string problem) => Assert.Contains(
        problem,
        Assert.Throws<VniException>(() => ApplicationFile.Parse(yaml + "\nprocesses: [{command: x}]", "a.yaml")).Message);

    [Theory]
    [InlineData(0.5)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_checkpoint_more_often_than_possible_is_refused(double seconds) => Assert.Contains(
        "a checkpoint every",
        Assert.Single(DeclarationValidator.Problems(new ApplicationDeclaration { Node = "n1", Checkpoint = new CheckpointPolicy(seconds), Processes = [new ProcessDeclaration { Command = ["x"] }] })));

    [Fact]
    public async Task Certificates_are_made_and_issued()
    {
        var directory = Directory.CreateTempSubdirectory("vni-ca-");
        try
        {
            var ca = Path.Combine(directory.FullName, "ca");
            var create = await CliRun.Of(null, "certificates", "create", ca);
            Assert.Equal((0, ""), (create.Status, create.Error));
            var issue = await CliRun.Of(null, "certificates", "issue", ca, "n1", "--address", "10.0.0.1", "--address", "n1.example");
            Assert.Equal(new CliRun(0, $"{ca}/n1.crt\n{ca}/n1.key\n{ca}/ca.crt\n", ""), issue);
            Assert.True(File.Exists($"{ca}/n1.key"));
            Assert.Equal(1, (await CliRun.Of(null, "certificates", "create", ca)).Status);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
