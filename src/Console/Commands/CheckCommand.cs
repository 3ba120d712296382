using System.CommandLine;
using Vni.Actors;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni check</c>: what this machine can and cannot do. The first finding is the daemon itself.</summary>
internal sealed class CheckCommand(VniCommand cli)
{
    public Command Create()
    {
        var command = new Command("check", "Show what this machine can and cannot do, and the remedy");
        cli.SetAction(command, async (context, cancellationToken) =>
        {
            var findings = await context.WaitAsync("checking", FindAsync(context, cancellationToken));
            context.Print(findings, VniJson.Default.IReadOnlyListNodeCheck, screen => CheckText.Write(screen, findings));
            return findings.Any(f => f is { Ok: false, Required: true }) ? VniCommand.Failed : 0;
        });
        return command;
    }

    private static async Task<IReadOnlyList<NodeCheck>> FindAsync(CommandContext context, CancellationToken cancellationToken)
    {
        try
        {
            var version = await context.Client.GetVersionAsync(cancellationToken);
            var checks = await context.Client.CheckAsync(cancellationToken);
            return [new NodeCheck("daemon", Ok: true, Required: true, $"vnid {version.Version} answers at {context.Client.SocketPath}", null), .. checks];
        }
        catch (VniException e) when (e.Code == ErrorCodes.DaemonUnavailable)
        {
            // The sentence is: what was found, a colon, what to do.
            var (found, remedy) = e.Message.Split(": ", 2) is [var head, var tail] ? (head, tail) : (e.Message, null);
            return [new NodeCheck("daemon", Ok: false, Required: true, found, remedy)];
        }
    }
}
