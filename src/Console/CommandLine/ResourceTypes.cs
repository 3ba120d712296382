using System.CommandLine;
using System.CommandLine.Completions;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Resources;

namespace Vni.Cli.CommandLine;

/// <summary>Words of the command line that name a type of resource.</summary>
internal static class ResourceTypes
{
    public static IEnumerable<CompletionItem> Completions => ResourceNames.Types.Select(type => new CompletionItem(type));

    public static Option<string?> Option()
    {
        var option = new Option<string?>("--type")
        {
            Description = $"Only resources of this type: {string.Join(", ", ResourceNames.Types)}",
            HelpName = "TYPE",
        };
        option.CompletionSources.Add(_ => Completions);
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && ProblemOf(token.Value) is { } problem) result.AddError($"--type: {problem}");
        });
        return option;
    }

    /// <summary>Why a word names no type, with the one that was probably meant; <c>null</c>: it does.</summary>
    public static string? ProblemOf(string word) => ResourceNames.TryParse(word, out _)
        ? null
        : $"{DnsLabel.Quote(word)} is no type of resource; {(Suggestion.For(word, ResourceNames.Types) is { } near ? $"did you mean '{near}'?" : $"use one of {string.Join(", ", ResourceNames.Types)}")}";
}
