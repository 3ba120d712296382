using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.CommandLine;
using Vni.Cli.Completion;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni migrate AID NODE</c>: moves an application to another node while it runs.</summary>
internal sealed class MigrateCommand(VniCommand cli, DaemonNames names)
{
    private static readonly MigrateRequest s_default = new("");

    private readonly Argument<string> _aid = names.Application();
    private readonly Argument<string> _node = names.Node();
    private readonly Option<double?> _timeout = FormedOptions.Duration("--timeout", $"When it is rolled back if it has not succeeded [default: {s_default.TimeoutSeconds:0}s]");
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Only say what would block it" };
    private readonly Option<double?> _wait = QuiescingOptions.Wait();
    private readonly Option<bool> _closeVisitors = QuiescingOptions.CloseVisitors();

    public Command Create()
    {
        var command = new Command("migrate", "Move an application to another node; its clients do not notice") { _timeout, _dryRun, _wait, _closeVisitors, _aid, _node };
        cli.SetAction(command, RunAsync);
        return command;
    }

    private async Task<int> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var (aid, node) = (context.Get(_aid), context.Get(_node));
        var request = new MigrateRequest(node, context.Get(_timeout) ?? s_default.TimeoutSeconds, context.Get(_dryRun), context.Get(_wait), context.Get(_closeVisitors));
        var migration = await context.WaitAsync(
            request.DryRun ? $"checking whether {aid} can go to {node}" : $"migrating {aid} to {node}", context.Client.MigrateAsync(aid, request, cancellationToken));
        context.Print(migration, VniJson.Default.MigrationView, screen => MigrationText.Write(screen, migration));
        return migration.Blockers.Count == 0 ? 0 : VniCommand.Failed;
    }
}
