using System.CommandLine;
using Vni.Cli.Completion;
using Vni.Cli.Output;

namespace Vni.Cli.Commands;

/// <summary><c>vni rm AID...</c>: removes applications with everything that is theirs.</summary>
internal sealed class RemoveCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string[]> _aids = names.Applications();
    private readonly Option<bool> _force = new("--force") { Description = "Even while they run" };

    public Command Create()
    {
        var command = new Command("rm", "Remove applications with their files, snapshots and addresses") { _aids, _force };
        cli.SetAction(command, (context, cancellationToken) => ManyApplications.RunAsync(
            context,
            context.Get(_aids),
            "removing",
            async aid =>
            {
                await context.Client.RemoveAsync(aid, context.Get(_force), cancellationToken);
                return new RemovedDocument(aid, Removed: true);
            },
            CliJson.Default.RemovedDocument,
            CliJson.Default.IReadOnlyListRemovedDocument,
            (screen, removed) => screen.Line(new Piece(removed.Aid, Tone.Strong), new Piece("  removed", Tone.Dim))));
        return command;
    }
}
