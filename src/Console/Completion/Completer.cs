using System.CommandLine;
using System.CommandLine.Completions;
using Vni.Cli.CommandLine;

namespace Vni.Cli.Completion;

/// <summary>A word that may stand there.</summary>
/// <param name="Word">The word.</param>
/// <param name="About">What it is.</param>
internal sealed record Candidate(string Word, string About);

/// <summary>Knows how a command line may go on: from the commands, and from what the daemon knows.</summary>
internal sealed class Completer(RootCommand root)
{
    /// <summary>What the last of these words may be; the others stand before it.</summary>
    public IEnumerable<Candidate> Of(string[] words)
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

    private IEnumerable<Candidate> Offered(string[] before, string current, CompletionContext context)
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
        if (command.Subcommands.Count > 0) return arguments == 0 ? command.Subcommands.Where(c => !c.Hidden).Select(c => new Candidate(c.Name, c.Description!)) : [];
        return command.Arguments.ElementAtOrDefault(Math.Min(arguments, command.Arguments.Count - 1)) is { } argument ? Items(argument.CompletionSources, context) : [];
    }

    private IEnumerable<Candidate> Options(Command command) =>
        from option in command.Options.Concat(root.Options.Where(o => o.Recursive))
        from name in option.Aliases.Prepend(option.Name)
        select new Candidate(name, option.Description!);

    private static IEnumerable<Candidate> Items(
        IEnumerable<Func<CompletionContext, IEnumerable<CompletionItem>>> sources, CompletionContext context) =>
        sources.SelectMany(source => source(context)).Select(item => new Candidate(item.Label, item.Detail ?? ""));
}
