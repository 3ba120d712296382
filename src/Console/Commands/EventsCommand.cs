using System.CommandLine;
using Vni.Actors.Applications;
using Vni.Actors.Messages;
using Vni.Cli.Completion;
using Vni.Cli.Output;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni events AID</c>: what happened to an application.</summary>
internal sealed class EventsCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string> _aid = names.Application();
    private readonly Option<bool> _follow = new("--follow", "-f") { Description = "Go on with what happens from now on" };

    public Command Create()
    {
        var command = new Command("events", "Show what happened to an application") { _aid, _follow };
        cli.SetAction(command, RunAsync);
        return command;
    }

    private async Task<int> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var follow = context.Get(_follow);
        var kept = new List<ApplicationEvent>();
        await foreach (var e in context.Client.EventsAsync(context.Get(_aid), follow, cancellationToken))
        {
            if (!context.Json) EventText.Write(context.Screen, e, context.Clock);
            else if (follow) JsonOutput.Line(context.Host.Output, e, VniJson.Default.ApplicationEvent);
            else kept.Add(e);
        }

        if (context.Json && !follow) JsonOutput.Document(context.Host.Output, kept, VniJson.Default.IReadOnlyListApplicationEvent);
        return 0;
    }
}
