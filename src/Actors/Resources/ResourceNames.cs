using System.Collections.Frozen;
using System.Text.Json;
using Vni.Actors.Identity;

namespace Vni.Actors.Resources;

/// <summary>Types and dispositions as users see them: lower case, words joined by hyphens.</summary>
public static class ResourceNames
{
    private static readonly FrozenDictionary<string, ResourceType> s_types = Enum.GetValues<ResourceType>().ToFrozenDictionary(Of, StringComparer.Ordinal);

    /// <summary>All names of types, in the order of <see cref="ResourceType"/>.</summary>
    public static IReadOnlyList<string> Types { get; } = [.. Enum.GetValues<ResourceType>().Select(Of)];

    /// <summary>Name of a type.</summary>
    public static string Of(ResourceType type) => Spell(type);

    /// <summary>Name of a disposition.</summary>
    public static string Of(ResourceDisposition disposition) => Spell(disposition);

    /// <summary>The type of a name.</summary>
    public static bool TryParse(string name, out ResourceType type) => s_types.TryGetValue(name, out type);

    /// <summary>The type of a name.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>.</exception>
    public static ResourceType Parse(string name) => TryParse(name, out var type)
        ? type
        : throw new VniException(ErrorCodes.InvalidArgument, $"resource type {DnsLabel.Quote(name)} is not valid: use one of {string.Join(", ", Types)}");

    /// <summary>A name of any of our enumerations in that form.</summary>
    internal static string Spell<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());
}
