using System.CommandLine;
using Vni.Actors;
using Vni.Client;
using Vni.Cli.Completion;
using Vni.Cli.Interactive;
using Vni.Cli.Output;
using Vni.Cli.Terminal;
using Vni.Cli.Values;

namespace Vni.Cli.Commands;

/// <summary><c>vni console</c>: a prompt that takes the same commands, without the word vni before each.</summary>
internal sealed class ConsoleCommand(VniCommand cli)
{
    private static readonly Candidate[] s_own = [new("help", "Show the commands, or what one takes"), new("exit", "Leave")];

    public Command Create()
    {
        var command = new Command("console", "Take commands at a prompt, with history and completion");
        cli.SetAction(command, RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        // Every command speaks to the daemon that the console was given.
        var host = context.Host;
        var socket = context.SocketPath;
        host = host with { Environment = name => name == VniEndpoint.SocketVariable ? socket : context.Host.Environment(name) };
        using var signals = new CommandSignals(host.Interruption);
        // Without a terminal lines are taken as they come: a script.
        if (!host.InputIsTerminal || host.OutputTerminal is null) return await RunScriptAsync(host, signals, cancellationToken);

        var history = new History(History.PathOf(host.Environment));
        var prompt = new Prompt(host, history, line => Complete(host, line));
        var name = await GreetAsync(context, cancellationToken);
        while (await prompt.ReadAsync($"{name}> ", cancellationToken) is { } line)
        {
            history.Add(line);
            if (await RunLineAsync(host, signals, line, cancellationToken) is null) break;
        }

        return 0;
    }

    /// <returns>The status of the last command that has failed; 0: none has.</returns>
    private static async Task<int> RunScriptAsync(Host host, CommandSignals signals, CancellationToken cancellationToken)
    {
        var status = 0;
        using var lines = new StreamReader(host.Input, leaveOpen: true);
        while (await lines.ReadLineAsync(cancellationToken) is { } line)
        {
            if (await RunLineAsync(host, signals, line, cancellationToken) is not { } done) break;
            if (done != 0) status = done;
        }

        return status;
    }

    private static async Task<string> GreetAsync(CommandContext context, CancellationToken cancellationToken)
    {
        const string hint = "'help' lists the commands, Tab completes, Ctrl-D leaves.";
        try
        {
            var daemon = await context.Client.GetVersionAsync(cancellationToken);
            context.Screen.Line(new Piece(daemon.Node, Tone.Strong), $"  vnid {daemon.Version}", new Piece($"  {hint}", Tone.Dim));
            return Printable.Escape(daemon.Node);
        }
        catch (VniException e)
        {
            Failures.Write(context.Host.Error, context.Host.ErrorTerminal, json: false, e);
            context.Screen.Line(new Piece(hint, Tone.Dim));
            return "vni";
        }
    }

    /// <returns>The command's status; <c>null</c>: the user wants to leave.</returns>
    private static async Task<int?> RunLineAsync(Host host, CommandSignals signals, string line, CancellationToken cancellationToken)
    {
        if (ShellWords.Split(line, out var split) is { } wrong)
        {
            Failures.Write(host.Error, host.ErrorTerminal, json: false, new VniException(ErrorCodes.InvalidArgument, $"the line cannot be split into words: {wrong}"));
            return VniCommand.Usage;
        }

        string[] words = [.. split];
        switch (words)
        {
            case [] or ["vni"] or [['#', ..], ..]: return 0;
            case ["exit" or "quit", ..]: return null;
            case ["console", ..]: return 0; // Here we are.
            case ["vni", .. var rest]: words = rest; break;
            case ["help", .. var about]: words = [.. about, "--help"]; break;
            default: break;
        }

        using var interruption = signals.Begin();
        try
        {
            var now = host with { Interruption = interruption, OutputTerminal = Now(host.OutputTerminal), ErrorTerminal = Now(host.ErrorTerminal) };
            var status = await new VniCommand(now).RunAsync(words);
            cancellationToken.ThrowIfCancellationRequested();
            return status;
        }
        finally
        {
            signals.End();
        }

        // The window may have another size than when the console was started.
        ScreenTerminal? Now(ScreenTerminal? then) => then is not null && host.Terminal.Size is { } size ? then with { Columns = size.Columns } : then;
    }

    private static IReadOnlyList<Candidate> Complete(Host host, string before)
    {
        // A quote that is not closed, or the like: nothing sensible can be offered.
        if (ShellWords.Split(before, out var words) is not null) return [];
        string[] asked = before.Length == 0 || before[^1] == ' ' ? [.. words, ""] : [.. words];
        if (asked is ["vni", _, ..]) asked = asked[1..];
        var help = asked is ["help", _, ..];
        if (help) asked = asked[1..];
        var known = new VniCommand(host).Complete(asked);
        return asked.Length > 1 || help ? known : [.. known, .. s_own.Where(c => c.Word.StartsWith(asked[0], StringComparison.Ordinal))];
    }
}
