using System.Collections.Frozen;
using Vni.Actors.Resources;

namespace Vni.Actors.Rules;

/// <summary>The words of the language and what they mean.</summary>
internal static class RuleWords
{
    /// <summary>What a rule may begin with, as the formatter writes it.</summary>
    public static readonly string[] Beginnings = ["Define", "REDIR", "SET", "RESOURCE"];

    public static readonly FrozenDictionary<string, ResourceType> Types = Spelled<ResourceType>();

    public static readonly FrozenDictionary<string, ResourceDisposition> Actions = Spelled<ResourceDisposition>();

    public static readonly FrozenDictionary<string, ResourceAccess> Accesses =
        Spelled<ResourceAccess>().Where(pair => pair.Value != ResourceAccess.None).ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary><c>any</c>, or <c>create, write</c>.</summary>
    public static string Spell(ResourceAccess access) => access == ResourceAccess.Any
        ? "any"
        : string.Join(", ", Enum.GetValues<ResourceAccess>().Where(one => one is not (ResourceAccess.None or ResourceAccess.Any) && access.HasFlag(one)).Select(one => ResourceNames.Spell(one)));

    /// <summary>The second half of a sentence about a word that is none of <paramref name="known"/>.</summary>
    public static string Meant(string word, IReadOnlyCollection<string> known) =>
        Suggestion.For(word, known) is { } near ? $"did you mean '{near}'?" : $"use {string.Join(", ", known)}";

    private static FrozenDictionary<string, T> Spelled<T>()
        where T : struct, Enum => Enum.GetValues<T>().ToFrozenDictionary(ResourceNames.Spell, StringComparer.OrdinalIgnoreCase);
}
