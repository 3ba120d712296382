using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Cli.Values;

namespace Vni.Cli.CommandLine;

/// <summary>Options and arguments whose values have a form; what has not is a usage error.</summary>
internal static class FormedOptions
{
    /// <summary>A command with its arguments: everything from its first word on, options included.</summary>
    public static Argument<string[]> Command(ArgumentArity arity) => new("COMMAND")
    {
        Description = "Program and arguments, taken as they are",
        Arity = arity,
        CaptureRemainingTokens = true,
    };

    /// <summary>Variables as K=V, given any number of times; the last one of a name counts.</summary>
    public static Option<Dictionary<string, string>> Env(string description) => Pairs("--env", "variable", description);

    /// <summary>Names and values as K=V, given any number of times; the last one of a name counts.</summary>
    public static Option<Dictionary<string, string>> Pairs(string name, string what, string description) => new(name)
    {
        Description = description,
        HelpName = "K=V",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result =>
        {
            var env = new Dictionary<string, string>();
            foreach (var token in result.Tokens)
            {
                var equals = token.Value.IndexOf('=');
                if (equals <= 0) result.AddError($"{name} {DnsLabel.Quote(token.Value)} is not a {what}: use NAME=VALUE");
                else env[token.Value[..equals]] = token.Value[(equals + 1)..];
            }

            return env;
        },
    };

    /// <summary>An amount of bytes.</summary>
    public static Option<long?> Size(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result =>
        {
            if (Sizes.TryParse(result.Tokens[0].Value, out var bytes)) return bytes;
            result.AddError($"{name} {DnsLabel.Quote(result.Tokens[0].Value)} is not a size: {Sizes.Rule}");
            return null;
        },
    };

    /// <summary>A number of processors.</summary>
    public static Option<double?> Processors(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result =>
        {
            if (Cpus.TryParse(result.Tokens[0].Value, out var cpus)) return cpus;
            result.AddError($"{name} {DnsLabel.Quote(result.Tokens[0].Value)} is not a number of processors: {Cpus.Rule}");
            return null;
        },
    };

    /// <summary>A length of time, in seconds.</summary>
    public static Option<double?> Duration(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "T",
        CustomParser = result =>
        {
            if (Durations.TryParse(result.Tokens[0].Value, out var seconds)) return seconds;
            result.AddError($"{name} {DnsLabel.Quote(result.Tokens[0].Value)} is not a length of time: {Durations.Rule}");
            return null;
        },
    };

    /// <summary>Makes an option take one of a few words.</summary>
    public static Option<string> Choice(Option<string> option, params string[] words)
    {
        option.HelpName = string.Join('|', words);
        option.CompletionSources.Add(words);
        option.Validators.Add(result => Check(result, words, option.Name));
        return option;
    }

    /// <summary>Makes an argument take one of a few words.</summary>
    public static Argument<string> Choice(Argument<string> argument, params string[] words)
    {
        argument.CompletionSources.Add(words);
        argument.Validators.Add(result => Check(result, words, argument.Name));
        return argument;
    }

    /// <summary>A text, shown in help as <paramref name="placeholder"/>.</summary>
    public static Option<string?> Text(string name, string placeholder, string description, params string[] aliases) => new(name, aliases)
    {
        Description = description,
        HelpName = placeholder,
    };

    /// <summary>Makes the refusal of a check a usage error.</summary>
    public static void Refuse(this SymbolResult result, Action check)
    {
        try
        {
            check();
        }
        catch (VniException e)
        {
            result.AddError(e.Message);
        }
    }

    private static void Check(SymbolResult result, string[] words, string name)
    {
        if (result.Tokens is [var token] && !words.Contains(token.Value)) result.AddError($"{name} {DnsLabel.Quote(token.Value)} is unknown: use {string.Join(", ", words)}");
    }
}
