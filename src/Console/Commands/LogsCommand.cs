using System.CommandLine;
using Vni.Client;
using Vni.Cli.CommandLine;
using Vni.Cli.Completion;
using Vni.Cli.Output;

namespace Vni.Cli.Commands;

/// <summary><c>vni logs AID</c>: what an application's processes have written.</summary>
internal sealed class LogsCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string> _aid = names.Application();
    private readonly Option<bool> _follow = new("--follow", "-f") { Description = "Go on with what is written from now on" };
    private readonly Option<string?> _process = FormedOptions.Text("--process", "P", "Only this process of the chain [default: all]");
    private readonly Option<int?> _tail = new("--tail") { Description = "Only so many lines from the end", HelpName = "N" };

    public Command Create()
    {
        _tail.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, out var lines) && lines >= 0)) result.AddError("--tail needs a number of lines from 0 on");
        });
        var command = new Command("logs", "Show what an application has written") { _aid, _follow, _process, _tail };
        cli.SetAction(command, RunAsync);
        return command;
    }

    private async Task<int> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var aid = context.Get(_aid);
        var request = new LogsRequest { Follow = context.Get(_follow), Process = context.Get(_process), Tail = context.Get(_tail) };
        if (context.Json) await WriteJsonAsync(context, aid, request, cancellationToken);
        else await WriteTextAsync(context, aid, request, cancellationToken);
        return 0;
    }

    private static async Task WriteTextAsync(CommandContext context, string aid, LogsRequest request, CancellationToken cancellationToken)
    {
        if (context.Host.OutputTerminal is null)
        {
            await context.Client.CopyLogsAsync(aid, request, context.Host.Output, cancellationToken);
            return;
        }

        var guard = new TerminalGuard(context.Host.Output);
        try
        {
            await context.Client.CopyLogsAsync(aid, request, guard, cancellationToken);
        }
        finally
        {
            guard.Complete();
        }
    }

    private static async Task WriteJsonAsync(CommandContext context, string aid, LogsRequest request, CancellationToken cancellationToken)
    {
        var kept = new List<string>();
        var lines = new LineStream(line =>
        {
            if (request.Follow) JsonOutput.Line(context.Host.Output, new LogLine(line), CliJson.Default.LogLine);
            else kept.Add(line);
        });
        await context.Client.CopyLogsAsync(aid, request, lines, cancellationToken);
        lines.Complete();
        if (!request.Follow) JsonOutput.Document(context.Host.Output, new LogDocument(aid, kept), CliJson.Default.LogDocument);
    }
}
