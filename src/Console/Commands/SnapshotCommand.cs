using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.Completion;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni snapshot AID</c>: freezes an application to disk.</summary>
internal sealed class SnapshotCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string> _aid = names.Application();
    private readonly Option<bool> _leaveRunning = new("--leave-running") { Description = "Let it run on [default: it becomes dormant]" };
    private readonly Option<bool> _sync = new("--sync") { Description = "Return only when the snapshot would survive a power failure" };
    private readonly Option<double?> _wait = QuiescingOptions.Wait();
    private readonly Option<bool> _closeVisitors = QuiescingOptions.CloseVisitors();

    public Command Create()
    {
        var command = new Command("snapshot", "Save the state of an application to disk") { _aid, _leaveRunning, _sync, _wait, _closeVisitors };
        cli.SetAction(command, async (context, cancellationToken) =>
        {
            var aid = context.Get(_aid);
            var request = new SnapshotRequest(context.Get(_leaveRunning), context.Get(_sync), context.Get(_wait), context.Get(_closeVisitors));
            var snapshot = await context.WaitAsync($"snapshotting {aid}", context.Client.SnapshotAsync(aid, request, cancellationToken));
            context.Print(snapshot, VniJson.Default.SnapshotView, screen => SnapshotText.WriteTaken(screen, snapshot));
            return 0;
        });
        return command;
    }
}
