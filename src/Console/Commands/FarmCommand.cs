using System.CommandLine;
using System.CommandLine.Completions;
using Vni.Cli.CommandLine;
using Vni.Cli.Output;
using Vni.Cli.Playground;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni farm</c>: a whole farm on this machine, to learn, to show and to test with.</summary>
internal sealed class FarmCommand(VniCommand cli)
{
    private static readonly string s_programs = AppContext.BaseDirectory;

    private readonly Option<string> _name = new("--name")
    {
        Description = $"Which farm of this machine [default: {FarmShape.DefaultName}]",
        HelpName = "NAME",
        DefaultValueFactory = _ => FarmShape.DefaultName,
    };

    private readonly Option<int> _nodes = new("--nodes")
    {
        Description = $"Number of nodes [default: {FarmShape.DefaultNodes}]",
        HelpName = "N",
        DefaultValueFactory = _ => FarmShape.DefaultNodes,
    };

    private readonly Option<bool> _ipv6 = new("--ipv6") { Description = "Applications get IPv6 addresses, too" };
    private readonly Option<bool> _etcd = new("--etcd") { Description = $"A registry of {FarmShape.EtcdMembers} members of etcd [default: Lighthouse]" };
    private readonly Option<string?> _from = FormedOptions.Text("--from", "TARGET", "Only from this member: a node, registry or client [default: from all]");
    private readonly Option<bool> _daemonOnly = new("--daemon-only") { Description = "Only the daemon [default: the whole machine, as a power failure]" };
    private readonly Argument<string[]> _command = FormedOptions.Command(ArgumentArity.OneOrMore);

    public Command Create()
    {
        _name.Validators.Add(result =>
        {
            if (result.Tokens is [var token]) result.Refuse(() => FarmShape.CheckName(token.Value));
        });
        _nodes.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, out var nodes) && nodes is >= 1 and <= FarmShape.MostNodes)) result.AddError($"--nodes needs a number from 1 to {FarmShape.MostNodes}");
        });
        var (member, members) = (Member(), new Argument<string[]>("MEMBER") { Description = "Nodes, registry or client", Arity = ArgumentArity.OneOrMore });
        members.CompletionSources.Add(Members);
        _from.CompletionSources.Add(Members);
        return new Command("farm", "Make a farm on this machine and play with it: nodes are network namespaces (root)")
        {
            Sub("up", "Make a farm", UpAsync, _nodes, _etcd, _ipv6),
            Sub("down", "Remove a farm and everything in it", DownAsync),
            Sub("status", "Show a farm's members", (context, ground, _) => Show(context, ground.Read())),
            Sub("exec", "Run a command on a node, where 'vni' speaks to that node", (context, ground, token) => ground.RunInAsync(context.Get(member), context.Get(_command), s_programs, token), member, _command),
            Sub("client", "Run a command on the switch, outside of all nodes", (context, ground, token) => ground.RunInAsync(FarmPlan.Client, context.Get(_command), s_programs, token), _command),
            Sub("partition", "Cut members, as a group, off from all others", PartitionAsync, members, _from),
            Sub("heal", "End every partition", async (context, ground, _) => await Show(context, await ground.HealAsync())),
            Sub("kill", "Switch a member off, without warning", async (context, ground, _) => await Show(context, await ground.KillAsync(context.Get(member), context.Get(_daemonOnly))), member, _daemonOnly),
            Sub("restart", "Switch a member on, and start its daemon again", async (context, ground, token) => await Show(context, await context.WaitAsync("starting", ground.RestartAsync(context.Get(member), token))), member),
        };

        Task<int> PartitionAsync(CommandContext context, FarmGround ground, CancellationToken cancellationToken) => PartitionOfAsync(context, ground, context.Get(members));
    }

    private Argument<string> Member()
    {
        var argument = new Argument<string>("MEMBER") { Description = "A node (n1, n2, ...), registry (etcd1, ...) or client" };
        argument.CompletionSources.Add(Members);
        return argument;
    }

    private IEnumerable<CompletionItem> Members(CompletionContext context)
    {
        try
        {
            var name = context.ParseResult.GetValue(_name) ?? FarmShape.DefaultName;
            return FarmRecord.Read(FarmPlaces.Of(name))?.Plan.Members.Select(m => new CompletionItem(m.Name, detail: m.Address)) ?? [];
        }
        catch (InvalidOperationException)
        {
            return []; // A line that is not complete yet.
        }
    }

    private Command Sub(string name, string description, Func<CommandContext, FarmGround, CancellationToken, Task<int>> run, params Symbol[] symbols)
    {
        var command = new Command(name, description) { _name };
        foreach (var symbol in symbols)
        {
            if (symbol is Option option) command.Add(option);
            else command.Add((Argument)symbol);
        }

        cli.SetAction(command, (context, cancellationToken) => run(context, new FarmGround(context.Get(_name)!, context.Host), cancellationToken));
        return command;
    }

    private async Task<int> UpAsync(CommandContext context, FarmGround ground, CancellationToken cancellationToken)
    {
        FarmGround.RequireRoot();
        var shape = new FarmShape(context.Get(_name)!, context.Get(_nodes), context.Get(_etcd)) { Ipv6 = context.Get(_ipv6) };
        // It is interrupted only while it makes a farm, and then takes away what it has made.
        var (farm, made) = await Interrupted.TellAsync(
            new Screen(context.Json ? Stream.Null : context.Host.Error, context.Host.ErrorTerminal),
            "everything was removed",
            context.WaitAsync($"making a farm of {shape}", ground.UpAsync(shape, s_programs, cancellationToken)),
            cancellationToken);
        if (!context.Json) context.Screen.Line(new Piece($"Farm '{shape.Name}' {(made ? "is up" : "was up already")}: {shape}."));
        return await Show(context, farm);
    }

    private async Task<int> DownAsync(CommandContext context, FarmGround ground, CancellationToken cancellationToken)
    {
        FarmGround.RequireRoot();
        var removed = await context.WaitAsync("removing the farm", ground.DownAsync());
        var document = new FarmRemovedDocument(context.Get(_name)!, removed);
        context.Print(document, CliJson.Default.FarmRemovedDocument, screen => screen.Line(removed ? $"Farm '{document.Name}' is gone." : $"There was no farm '{document.Name}'."));
        return 0;
    }

    private async Task<int> PartitionOfAsync(CommandContext context, FarmGround ground, string[] members) =>
        await Show(context, context.Get(_from) is { } from ? await ground.BlockAsync(members, from) : await ground.PartitionAsync(members));

    private static Task<int> Show(CommandContext context, FarmRecord farm)
    {
        var document = FarmDocument.Of(farm, FarmGround.IsOn, Processes.IsAlive);
        context.Print(document, CliJson.Default.FarmDocument, screen => FarmText.Write(screen, document));
        return Task.FromResult(0);
    }
}
