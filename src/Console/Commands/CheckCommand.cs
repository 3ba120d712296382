using System.CommandLine;
using Vni.Actors;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Cli.Completion;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni check</c>: what this machine can and cannot do; the first finding is the daemon itself. <c>vni check AID</c>: what
/// would keep an application from being saved now.</summary>
internal sealed class CheckCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string?> _aid = names.OptionalApplication();

    public Command Create()
    {
        var command = new Command("check", "Show what this machine cannot do, or what would keep an application from being saved, and the remedy") { _aid };
        cli.SetAction(command, async (context, cancellationToken) =>
        {
            if (context.Get(_aid) is { } aid)
            {
                var check = await context.WaitAsync($"checking {aid}", context.Client.CheckAsync(aid, cancellationToken));
                context.Print(check, VniJson.Default.ApplicationCheckView, screen => FindingText.Write(screen, check));
                return check.Findings.Count > 0 ? VniCommand.Failed : 0;
            }

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
