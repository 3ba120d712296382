using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Text;

namespace Vni.Cli.CommandLine;

/// <summary>
/// What <c>--help</c> prints. System.CommandLine's own text puts options behind the command that an application runs, where
/// they would be the application's, and asks completions, here the daemon, for what to call an argument.
/// </summary>
internal sealed class HelpText(int width) : SynchronousCommandLineAction
{
    private const int Indent = 2;
    private const int Gap = 3;

    /// <summary>Help is what was asked for, whatever else is wrong.</summary>
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.Write(Of(parseResult.CommandResult.Command));
        return 0;
    }

    /// <summary>The text for one command, or for the root.</summary>
    public string Of(Command command)
    {
        var text = new StringBuilder();
        Wrap(text, command.Description + ".", 0);
        text.Append("\n\nUsage: ").Append(Usage(command)).Append('\n');

        Section(text, "Commands", [.. command.Subcommands.Where(c => !c.Hidden).Select(c => (c.Name, c.Description!))]);
        Section(text, "Arguments", [.. command.Arguments.Select(a => (a.Name, a.Description!))]);
        Section(text, "Options", [.. command.Options.Where(o => !o.Recursive && o is not VersionOption).Select(Row)]);
        // Those of the root hold everywhere.
        var root = command;
        while (root.Parents.OfType<Command>().FirstOrDefault() is { } parent) root = parent;
        var global = root.Options.Where(o => o.Recursive || (o is VersionOption && root == command));
        Section(text, root == command ? "Options" : "Options of every command", [.. global.Select(Row)]);
        if (command.Subcommands.Count > 0) text.Append($"\nSee '{OptionOrder.NameOf(command)} COMMAND --help' for what a command takes.\n");
        return text.ToString();
    }

    private static string Usage(Command command)
    {
        var usage = new StringBuilder(OptionOrder.NameOf(command));
        if (command.Subcommands.Count > 0) return usage.Append(" COMMAND [options]").ToString();
        if (command.Options.Count > 0) usage.Append(" [options]");
        foreach (var argument in command.Arguments)
        {
            var name = argument.Arity.MaximumNumberOfValues > 1 ? argument.Name + "..." : argument.Name;
            if (argument.CaptureRemainingTokens) name = "-- " + name;
            usage.Append(' ').Append(argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name);
        }

        return usage.ToString();
    }

    private static (string Left, string Right) Row(Option option)
    {
        var names = option.Aliases.Append(option.Name).OrderBy(n => n.Length).ToList();
        // Long names stand below each other, whether there is a short one or not.
        var left = (names.Count == 1 ? "    " : "") + string.Join(", ", names);
        return (option.HelpName is null ? left : $"{left} {option.HelpName}", option.Description!);
    }

    private void Section(StringBuilder text, string title, IReadOnlyList<(string Left, string Right)> rows)
    {
        if (rows.Count == 0) return;
        text.Append('\n').Append(title).Append(":\n");
        var column = Indent + rows.Max(r => r.Left.Length) + Gap;
        foreach (var (left, right) in rows)
        {
            text.Append(' ', Indent).Append(left).Append(' ', column - Indent - left.Length);
            Wrap(text, right, column);
            text.Append('\n');
        }
    }

    // Breaks at spaces so that nothing passes the width; continued lines stand below the first.
    private void Wrap(StringBuilder text, string sentence, int column)
    {
        var at = column;
        foreach (var word in sentence.Split(' '))
        {
            if (at > column && at + word.Length + 1 > width)
            {
                text.Append('\n').Append(' ', column);
                at = column;
            }
            else if (at > column)
            {
                text.Append(' ');
                at++;
            }

            text.Append(word);
            at += word.Length;
        }
    }
}
