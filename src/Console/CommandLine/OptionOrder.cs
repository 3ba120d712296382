using System.CommandLine;

namespace Vni.Cli.CommandLine;

/// <summary>
/// Lets options stand between an application's name and the command, as in <c>vni exec web -T -- ls</c>. The parser takes
/// everything after the name as the command, which is right for the command's own options and wrong for ours: so the name
/// is moved behind ours.
/// </summary>
internal static class OptionOrder
{
    /// <summary>The same words, in the order that the parser needs; unchanged where that is not in question.</summary>
    public static IReadOnlyList<string> Normalize(RootCommand root, IReadOnlyList<string> args)
    {
        var (command, first) = Descend(root, args);
        if (command.Arguments is not [_, { CaptureRemainingTokens: true }]) return args;

        var name = SkipOptions(root, command, args, first);
        if (name == args.Count || args[name].StartsWith('-')) return args;
        var rest = SkipOptions(root, command, args, name + 1);
        return [.. args.Take(name), .. args.Skip(name + 1).Take(rest - name - 1), args[name], .. args.Skip(rest)];
    }

    /// <summary>The command that words name, through groups of commands, and the index of the word behind its name.</summary>
    public static (Command Command, int Next) Descend(RootCommand root, IReadOnlyList<string> args)
    {
        Command command = root;
        var next = 0;
        while (SkipOptions(root, command, args, next) is var at && at < args.Count && command.Subcommands.FirstOrDefault(c => c.Name == args[at]) is { } inner)
        {
            command = inner;
            next = at + 1;
        }

        return (command, next);
    }

    /// <summary>A command as it is written: <c>vni farm up</c>.</summary>
    public static string NameOf(Command command) =>
        command is RootCommand ? "vni" : $"{NameOf(command.Parents.OfType<Command>().First())} {command.Name}";

    /// <summary>Index of the first word from <paramref name="at"/> on that is neither a known option nor its value.</summary>
    public static int SkipOptions(RootCommand root, Command command, IReadOnlyList<string> args, int at)
    {
        while (at < args.Count && args[at] != "--" && args[at] is ['-', _, ..] word)
        {
            var name = NameIn(word);
            if (Find(root, command, name) is not { } option) return at;
            var length = TakesValue(option) && name.Length == word.Length ? 2 : 1;
            if (at + length > args.Count) return at;
            at += length;
        }

        return at;
    }

    /// <summary>The option that a word names, of a command or of all.</summary>
    public static Option? Find(RootCommand root, Command command, string name) =>
        All(root, command).FirstOrDefault(o => o.Name == name || o.Aliases.Contains(name));

    /// <summary>The options that may stand behind a command: its own, and those of all.</summary>
    public static IEnumerable<Option> All(RootCommand root, Command command) => command.Options.Concat(root.Options.Where(o => o.Recursive));

    /// <summary>The name of an option in a word: <c>--name=value</c> and <c>--name:value</c> hold the value themselves.</summary>
    public static string NameIn(string word) => word.Split(['=', ':'], 2)[0];

    /// <summary>Whether the word after an option is its value.</summary>
    public static bool TakesValue(Option option) => option.Arity.MinimumNumberOfValues > 0;
}
