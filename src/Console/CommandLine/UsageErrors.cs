using System.CommandLine;
using System.CommandLine.Parsing;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Cli.Values;

namespace Vni.Cli.CommandLine;

/// <summary>What is wrong with a command line, in our own voice.</summary>
internal static class UsageErrors
{
    /// <summary>All problems, each a sentence without capital and full stop; empty when there are none.</summary>
    public static IReadOnlyList<string> Of(ParseResult parse)
    {
        // An unknown option is read as an argument, and its consequences (too many, not a name) would hide the cause.
        if (parse.CommandResult.Command is not { Subcommands.Count: > 0 } && UnknownOptions(parse) is { Count: > 0 } unknown) return unknown;
        if (parse.CommandResult.Command is { Subcommands.Count: > 0 } group) return [WithoutCommand((RootCommand)parse.RootCommandResult.Command, group, parse.UnmatchedTokens)];
        return [.. parse.Errors.Select(e => Tidy(e.Message)).Distinct()];
    }

    private static string WithoutCommand(RootCommand root, Command group, IReadOnlyList<string> words)
    {
        var known = group.Subcommands.Where(c => !c.Hidden).Select(c => c.Name);
        if (words is not [var word, ..]) return group is RootCommand ? "no command given" : $"'{OptionOrder.NameOf(group)}' needs a command: {string.Join(", ", known)}";
        if (word.StartsWith('-')) return Unknown(root, group, word);
        var meant = Suggestion.For(word, known);
        var whole = group is RootCommand ? word : $"{OptionOrder.NameOf(group)} {word}";
        return $"there is no command {DnsLabel.Quote(whole)}{(meant is null ? "" : $"; did you mean '{meant}'?")}";
    }

    private static List<string> UnknownOptions(ParseResult parse)
    {
        var root = (RootCommand)parse.RootCommandResult.Command;
        var command = parse.CommandResult.Command;

        // Of a command that is passed on, the parser takes all words, and only the first can be one that was meant for us.
        var words = parse.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(result => result.Tokens.Select((token, i) => (token.Value, IsOurs: i == 0 || !result.Argument.CaptureRemainingTokens)))
            .Concat(parse.UnmatchedTokens.Select(word => (Value: word, IsOurs: true)))
            .ToList();

        // Behind '--' everything is an argument.
        var behind = parse.Tokens.SkipWhile(t => t.Type != TokenType.DoubleDash).Skip(1).Count();
        return [.. words.Take(Math.Max(0, words.Count - behind)).Where(word => word is { IsOurs: true, Value: ['-', _, ..] }).Select(word =>
            OptionOrder.Find(root, command, word.Value) is null ? Unknown(root, command, word.Value) : $"option {DnsLabel.Quote(word.Value)} needs a value")];
    }

    private static string Unknown(RootCommand root, Command command, string word)
    {
        // Letters are too near to each other for a guess.
        var known = OptionOrder.All(root, command).Where(option => !option.Hidden).SelectMany(option => option.Aliases.Prepend(option.Name)).Where(name => name.StartsWith("--", StringComparison.Ordinal));
        var meant = word.StartsWith("--", StringComparison.Ordinal) ? Suggestion.For(OptionOrder.NameIn(word), known) : null;
        return $"unknown option {DnsLabel.Quote(word)}{(meant is null ? "" : $"; did you mean '{meant}'?")}";
    }

    private static string Tidy(string message)
    {
        var line = message.ReplaceLineEndings(" ").Trim().TrimEnd('.');
        return line is [var first, var second, ..] && char.IsUpper(first) && char.IsLower(second) ? char.ToLowerInvariant(first) + line[1..] : line;
    }
}
