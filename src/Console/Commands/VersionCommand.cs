using System.CommandLine;
using System.Reflection;
using Vni.Actors;
using Vni.Actors.Messages;
using Vni.Cli.Output;

namespace Vni.Cli.Commands;

/// <summary><c>vni version</c>: versions of this program and of the daemon that it talks to.</summary>
internal sealed class VersionCommand(VniCommand cli)
{
    private static string Own => typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    public Command Create()
    {
        var command = new Command("version", "Show the versions of vni and of the daemon");
        cli.SetAction(command, RunAsync);
        return command;
    }

    // Without a daemon one half of the answer is still true: it is printed, and the other half fails.
    private static async Task<int> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        VersionView? daemon = null;
        VniException? failure = null;
        try
        {
            daemon = await context.Client.GetVersionAsync(cancellationToken);
        }
        catch (VniException e)
        {
            failure = e;
        }

        context.Print(new VersionDocument(Own, daemon), CliJson.Default.VersionDocument, screen =>
        {
            screen.Line($"vni   {Own}");
            if (daemon is not null) screen.Line($"vnid  {daemon.Version}", new Piece($"  on node {daemon.Node}, API version {daemon.Api}", Tone.Dim));
        });
        return failure is null ? 0 : throw failure;
    }
}
