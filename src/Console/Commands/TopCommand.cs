using System.CommandLine;
using System.Text;
using Vni.Cli.CommandLine;
using Vni.Cli.Output;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni top</c>: nodes and applications as they are now, until q or Ctrl-C; once where nobody watches.</summary>
internal sealed class TopCommand(VniCommand cli)
{
    private const double DefaultSeconds = 1;
    private const byte CtrlC = 3;

    // ECMA-48 and xterm: the other screen, no cursor; back.
    private const string Enter = "\e[?1049h\e[?25l";
    private const string Leave = "\e[?25h\e[?1049l";

    private readonly Option<double?> _every = FormedOptions.Duration("--every", $"How often to look [default: {DefaultSeconds:0}s]");

    public Command Create()
    {
        var command = new Command("top", "Watch nodes and applications; q leaves") { _every };
        cli.SetAction(command, RunAsync);
        return command;
    }

    private async Task<int> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var top = await AskAsync(context, cancellationToken);
        if (context.Json || context.Host.OutputTerminal is null || !context.Host.InputIsTerminal)
        {
            context.Print(top, CliJson.Default.TopDocument, screen => TopText.Write(screen, top, context.Clock));
            return 0;
        }

        // Asking more than ten times a second would be load, not insight.
        await WatchAsync(context, top, TimeSpan.FromSeconds(Math.Max(0.1, context.Get(_every) ?? DefaultSeconds)), cancellationToken);
        return 0;
    }

    private static async Task WatchAsync(CommandContext context, TopDocument top, TimeSpan every, CancellationToken cancellationToken)
    {
        var host = context.Host;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var raw = host.Terminal.EnterRaw();
        Write(host, Enter);
        var key = WaitForKeyAsync(host, over.Token);
        try
        {
            while (true)
            {
                Paint(context, top);
                if (await Task.WhenAny(key, Task.Delay(every, context.Clock, over.Token)) == key) return;
                top = await AskAsync(context, over.Token);
            }
        }
        finally
        {
            await over.CancelAsync();
            await key.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Write(host, Leave);
        }
    }

    private static async Task WaitForKeyAsync(Host host, CancellationToken cancellationToken)
    {
        var buffer = new byte[64];
        while (await host.Input.ReadAsync(buffer, cancellationToken) is var count and > 0)
        {
            if (buffer.AsSpan(0, count).IndexOfAny((byte)'q', (byte)'Q', CtrlC) >= 0) return;
        }
    }

    private static async Task<TopDocument> AskAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var cluster = context.Client.GetClusterAsync(cancellationToken);
        var applications = context.Client.ListApplicationsAsync(cancellationToken);
        return new TopDocument(await cluster, await applications);
    }

    // One write: a screen that is half old and half new would flicker.
    private static void Paint(CommandContext context, TopDocument top)
    {
        var size = context.Host.Terminal.Size ?? new Client.Exec.TerminalSize(80, 24);
        using var text = new MemoryStream();
        TopText.Write(new Screen(text, context.Host.OutputTerminal! with { Columns = size.Columns }), top, context.Clock);
        var lines = Encoding.UTF8.GetString(text.ToArray()).TrimEnd('\n').Split('\n').Take(size.Rows);
        Write(context.Host, "\e[H" + string.Join("\r\n", lines.Select(line => line + "\e[K")) + "\e[J");
    }

    private static void Write(Host host, string text) => host.Output.Write(Encoding.UTF8.GetBytes(text));
}
