using System.CommandLine;
using Vni.Actors;
using Vni.Actors.Messages;
using Vni.Actors.Rules;
using Vni.Cli.CommandLine;
using Vni.Cli.Completion;
using Vni.Cli.Declarations;
using Vni.Cli.Output;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni rules</c>: files of rules, without a daemon; and what they mean for an application.</summary>
internal sealed class RulesCommand(VniCommand cli, DaemonNames names)
{
    public Command Create() => new("rules", "Format and check files of rules, and show what they mean for an application") { Fmt(), Check(), Show() };

    private Command Fmt()
    {
        var files = Files(ArgumentArity.ZeroOrMore, "Files of rules, which are rewritten [default: standard input, to standard output]");
        var only = new Option<bool>("--check") { Description = "Change nothing; the exit status is 1 if something is not formatted" };
        var command = new Command("fmt", "Format files of rules") { only, files };
        cli.SetAction(command, (context, _) => Task.FromResult(context.Get(files) is { Length: > 0 } given
            ? FormatFiles(context, given, context.Get(only))
            : FormatInput(context, context.Get(only))));
        return command;
    }

    private static int FormatFiles(CommandContext context, string[] files, bool only)
    {
        // All are read before the first is written: a problem in one of them leaves every one as it was.
        var formatted = files.Select(file => (File: file, Before: RuleSource.Read(file))).Select(f => (f.File, f.Before, After: RuleSource.Format(f.Before, f.File))).ToList();
        var documents = formatted.Select(f => new FormattedDocument(f.File, f.After != f.Before)).ToList();
        if (!only)
        {
            foreach (var (file, before, after) in formatted.Where(f => f.After != f.Before)) RuleSource.Write(file, after);
        }

        context.Print(documents, CliJson.Default.IReadOnlyListFormattedDocument, screen =>
        {
            foreach (var document in documents.Where(d => d.Changed)) screen.Line(document.File, new Piece(only ? "  is not formatted: run 'vni rules fmt' on it" : "  formatted", Tone.Dim));
        });
        return only && documents.Any(d => d.Changed) ? VniCommand.Failed : 0;
    }

    private static int FormatInput(CommandContext context, bool only)
    {
        const string name = "standard input";
        var before = TextFile.Read(context.Host.Input, name, "rules file", RuleLimits.MaxBytes);
        var after = RuleSource.Format(before, name);
        if (!only) context.Screen.Write(after);
        else if (before != after) context.Screen.Line(name, new Piece("  is not formatted", Tone.Dim));
        return only && before != after ? VniCommand.Failed : 0;
    }

    private Command Check()
    {
        var files = Files(ArgumentArity.OneOrMore, "Files of rules");
        var properties = FormedOptions.Pairs("--property", "property", "Property of the application, as for 'run'; with any, a rule that speaks of another one is a problem");
        var command = new Command("check", "Show every problem of files of rules") { properties, files };
        cli.SetAction(command, (context, _) =>
        {
            var given = context.Get(properties);
            var found = context.Get(files)
                .SelectMany(file => RuleChecker.Check(RuleSource.Read(file), given is { Count: > 0 } ? given : null)
                    .Select(p => new RuleProblemDocument(file, p.Position.Line, p.Position.Column, p.IsWarning ? "warning" : "error", p.Sentence)))
                .ToList();
            context.Print(found, CliJson.Default.IReadOnlyListRuleProblemDocument, screen =>
            {
                foreach (var p in found) screen.Line($"{p.File}:{p.Line}:{p.Column}: ", new Piece(p.Severity, p.Severity == "error" ? Tone.Bad : Tone.Notice), $": {p.Message}");
            });
            return Task.FromResult(found.Any(p => p.Severity == "error") ? VniCommand.Failed : 0);
        });
        return command;
    }

    private Command Show()
    {
        var aid = names.Application();
        var command = new Command("show", "Show what the rules of an application mean for it") { aid };
        cli.SetAction(command, async (context, cancellationToken) =>
        {
            var application = await context.Client.GetApplicationAsync(context.Get(aid), cancellationToken);
            if (application.Rules is not { } rules) throw new VniException(ErrorCodes.NotFound, $"application {application.Aid} has no rules; 'vni run --rules FILE' starts one with rules");
            context.Print(rules, VniJson.Default.RulesView, screen => RulesText.Write(screen, rules));
            return 0;
        });
        return command;
    }

    private static Argument<string[]> Files(ArgumentArity arity, string description) => new("FILE") { Description = description, Arity = arity };
}
