using System.CommandLine;
using Vni.Actors;
using Vni.Actors.Messages;
using Vni.Cli.Completion;
using Vni.Cli.Output;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni drain NODE</c>: moves every application away from a node.</summary>
internal sealed class DrainCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string> _node = names.Node();
    private readonly Option<double?> _wait = QuiescingOptions.Wait();
    private readonly Option<bool> _closeVisitors = QuiescingOptions.CloseVisitors();

    public Command Create()
    {
        var command = new Command("drain", "Move every application away from a node") { _node, _wait, _closeVisitors };
        cli.SetAction(command, (context, cancellationToken) =>
            FollowAsync(context, context.Get(_node), context.Client.DrainAsync(context.Get(_node), new DrainRequest(context.Get(_wait), context.Get(_closeVisitors)), cancellationToken), "is empty"));
        return command;
    }

    /// <summary>Shows a drain until it has ended; a Ctrl-C ends the showing, and what has moved has moved.</summary>
    /// <returns>1 if an application has stayed.</returns>
    public static async Task<int> FollowAsync(CommandContext context, string node, IAsyncEnumerable<DrainProgress> progress, string outcome)
    {
        var stayed = 0;
        DrainProgress? last = null;
        await foreach (var step in progress)
        {
            if (step is { Aid: null, Error: { } error }) throw error.ToException();
            last = step;
            if (context.Json) JsonOutput.Line(context.Host.Output, step, VniJson.Default.DrainProgress);
            else if (step.Aid is not null) MigrationText.Write(context.Screen, step);
            if (step is { Aid: not null, To: null }) stayed++;
        }

        if (last is not { Aid: null })
            throw new VniException(ErrorCodes.DaemonUnavailable, $"vnid has ended the connection before {node} was drained: look at what is left with 'vni ps', and repeat the command");
        if (!context.Json)
        {
            context.Screen.Line(stayed == 0
                ? new Piece($"{node} {outcome}.", Tone.Good)
                : new Piece($"{stayed} of {last.Total} applications have stayed on {node}; put right what is said above and repeat the command.", Tone.Bad));
        }

        return stayed == 0 ? 0 : VniCommand.Failed;
    }
}
