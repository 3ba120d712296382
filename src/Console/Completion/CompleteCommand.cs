using System.CommandLine;
using Vni.Cli.Output;

namespace Vni.Cli.Completion;

/// <summary><c>vni __complete -- WORD...</c>, hidden: candidates for the last word, for the scripts of <c>vni completion</c>.</summary>
internal sealed class CompleteCommand(VniCommand cli, Completer completer)
{
    private readonly Argument<string[]> _words = new("WORD") { Arity = ArgumentArity.ZeroOrMore, CaptureRemainingTokens = true };

    public Command Create()
    {
        var command = new Command("__complete", "Print candidates for the last word") { _words };
        command.Hidden = true;
        cli.SetAction(command, (context, _) =>
        {
            foreach (var (word, about) in completer.Of(context.Get(_words))) context.Screen.Write($"{Printable.Escape(word)}\t{Printable.Escape(about)}\n");
            return Task.FromResult(0);
        });
        return command;
    }
}
