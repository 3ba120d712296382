using System.Collections.Frozen;
using System.Text.Json;
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

    /// <summary>As the language spells it: <c>copy-on-write</c>.</summary>
    public static string Spell<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    /// <summary><c>any</c>, or <c>create, write</c>.</summary>
    public static string Spell(ResourceAccess access) => access == ResourceAccess.Any
        ? "any"
        : string.Join(", ", Enum.GetValues<ResourceAccess>().Where(one => one is not (ResourceAccess.None or ResourceAccess.Any) && access.HasFlag(one)).Select(one => Spell<ResourceAccess>(one)));

    /// <summary>The second half of a sentence about a word that is none of <paramref name="known"/>.</summary>
    public static string Meant(string word, IReadOnlyCollection<string> known) =>
        Suggestion.For(word, known) is { } near ? $"did you mean '{near}'?" : $"use {string.Join(", ", known)}";

    private static FrozenDictionary<string, T> Spelled<T>()
        where T : struct, Enum => Enum.GetValues<T>().ToFrozenDictionary(Spell, StringComparer.OrdinalIgnoreCase);
}
