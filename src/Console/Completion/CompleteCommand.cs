using System.CommandLine;
using System.CommandLine.Completions;
using Vni.Cli.CommandLine;
using Vni.Cli.Output;

namespace Vni.Cli.Completion;

/// <summary><c>vni __complete -- WORD...</c>, hidden: candidates for the last word, for the scripts of <c>vni completion</c>.</summary>
internal sealed class CompleteCommand(VniCommand cli, RootCommand root)
{
    private readonly Argument<string[]> _words = new("WORD") { Arity = ArgumentArity.ZeroOrMore, CaptureRemainingTokens = true };

    public Command Create()
    {
        var command = new Command("__complete", "Print candidates for the last word") { _words };
        command.Hidden = true;
        cli.SetAction(command, (context, _) =>
        {
            foreach (var (word, about) in Candidates(context.Get(_words))) context.Screen.Write($"{Printable.Escape(word)}\t{Printable.Escape(about)}\n");
            return Task.FromResult(0);
        });
        return command;
    }

    private IEnumerable<(string Word, string About)> Candidates(string[] words)
    {
        var current = words is [.., var last] ? last : "";
        string[] before = [.. words.SkipLast(1)];
        // What an application runs is the shell's to complete.
        if (before.Contains("--")) return [];
        var context = root.Parse(before, new ParserConfiguration { ResponseFileTokenReplacer = null }).GetCompletionContext();
        return Offered(before, current, context)
            .Where(candidate => candidate.Word.StartsWith(current, StringComparison.Ordinal))
            .DistinctBy(candidate => candidate.Word);
    }

    private IEnumerable<(string Word, string About)> Offered(string[] before, string current, CompletionContext context)
    {
        var (command, at) = OptionOrder.Descend(root, before);

        // One word after the other, to learn which argument's turn it is.
        var arguments = 0;
        while ((at = OptionOrder.SkipOptions(root, command, before, at)) < before.Length)
        {
            // A value is missing at the end: it is what is being typed.
            if (OptionOrder.Find(root, command, before[at]) is { } option) return at == before.Length - 1 ? Items(option.CompletionSources, context) : [];
            arguments++;
            at++;
        }

        if (current.StartsWith('-')) return Options(command);
        if (command.Subcommands.Count > 0) return arguments == 0 ? command.Subcommands.Where(c => !c.Hidden).Select(c => (c.Name, c.Description!)) : [];
        return command.Arguments.ElementAtOrDefault(Math.Min(arguments, command.Arguments.Count - 1)) is { } argument ? Items(argument.CompletionSources, context) : [];
    }

    private IEnumerable<(string Word, string About)> Options(Command command) =>
        from option in command.Options.Concat(root.Options.Where(o => o.Recursive))
        from name in option.Aliases.Prepend(option.Name)
        select (name, option.Description!);

    private static IEnumerable<(string Word, string About)> Items(
        IEnumerable<Func<CompletionContext, IEnumerable<CompletionItem>>> sources, CompletionContext context) =>
        sources.SelectMany(source => source(context)).Select(item => (item.Label, item.Detail ?? ""));
}
