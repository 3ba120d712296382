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
        var unknown = parse.CommandResult.Children.OfType<ArgumentResult>().SelectMany(result => UnknownOptions(parse, result)).ToList();
        if (unknown.Count > 0) return unknown;
        if (parse.CommandResult.Command is { Subcommands.Count: > 0 } group) return [WithoutCommand(group, parse.UnmatchedTokens)];
        return [.. parse.Errors.Select(e => Tidy(e.Message)).Distinct()];
    }

    private static string WithoutCommand(Command group, IReadOnlyList<string> words)
    {
        var known = group.Subcommands.Where(c => !c.Hidden).Select(c => c.Name);
        if (words is not [var word, ..]) return group is RootCommand ? "no command given" : $"'{OptionOrder.NameOf(group)}' needs a command: {string.Join(", ", known)}";
        if (word.StartsWith('-')) return $"unknown option {DnsLabel.Quote(word)}";
        var meant = Suggestion.For(word, known);
        var whole = group is RootCommand ? word : $"{OptionOrder.NameOf(group)} {word}";
        return $"there is no command {DnsLabel.Quote(whole)}{(meant is null ? "" : $"; did you mean '{meant}'?")}";
    }

    private static IEnumerable<string> UnknownOptions(ParseResult parse, ArgumentResult result)
    {
        // Behind '--' everything is an argument.
        var behind = parse.Tokens.SkipWhile(t => t.Type != TokenType.DoubleDash).Skip(1).Count();
        var before = result.Tokens.Take(Math.Max(0, result.Tokens.Count - behind));
        if (result.Argument.CaptureRemainingTokens) before = before.Take(1);
        var root = (RootCommand)parse.RootCommandResult.Command;
        return before.Where(t => t.Value is ['-', _, ..]).Select(t => OptionOrder.Find(root, parse.CommandResult.Command, t.Value) is null
            ? $"unknown option {DnsLabel.Quote(t.Value)}"
            : $"option {DnsLabel.Quote(t.Value)} needs a value");
    }

    private static string Tidy(string message)
    {
        var line = message.ReplaceLineEndings(" ").Trim().TrimEnd('.');
        return line is [var first, var second, ..] && char.IsUpper(first) && char.IsLower(second) ? char.ToLowerInvariant(first) + line[1..] : line;
    }
}
