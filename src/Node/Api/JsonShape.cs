using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Vni.Actors.Identity;

namespace Vni.Node.Api;

/// <summary>Compares a JSON document with the type it is meant for, and names everything that does not fit, with its place.</summary>
internal static class JsonShape
{
    /// <summary>One sentence for each unknown member and each value of a wrong kind.</summary>
    internal static IReadOnlyList<string> Check(JsonElement value, JsonTypeInfo type)
    {
        var problems = new List<string>();
        Check(value, type, "", problems);
        return problems;
    }

    private static void Check(JsonElement value, JsonTypeInfo type, string path, List<string> problems)
    {
        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object when value.ValueKind == JsonValueKind.Object:
                CheckMembers(value, type, path, problems);
                break;
            case JsonTypeInfoKind.Enumerable when value.ValueKind == JsonValueKind.Array:
                var element = type.Options.GetTypeInfo(type.ElementType!);
                var index = 0;
                foreach (var item in value.EnumerateArray()) Check(item, element, $"{path}[{index++}]", problems);
                break;
            case JsonTypeInfoKind.Dictionary when value.ValueKind == JsonValueKind.Object:
                var of = type.Options.GetTypeInfo(type.ElementType!);
                foreach (var member in value.EnumerateObject()) Check(member.Value, of, Join(path, member.Name), problems);
                break;
            case JsonTypeInfoKind.None when Fits(value, type.Type):
                break;
            default:
                problems.Add($"{Subject(path)} must be {Wanted(type)}, not {Found(value)}");
                break;
        }
    }

    private static void CheckMembers(JsonElement value, JsonTypeInfo type, string path, List<string> problems)
    {
        var known = type.Properties.ToDictionary(p => p.Name, StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject())
        {
            var place = Join(path, member.Name);
            if (!known.TryGetValue(member.Name, out var property)) problems.Add($"unknown member '{place}' (known here: {string.Join(", ", known.Keys)})");
            else if (member.Value.ValueKind != JsonValueKind.Null) Check(member.Value, type.Options.GetTypeInfo(property.PropertyType), place, problems);
            else if (!property.IsSetNullable) problems.Add($"'{place}' must not be null; leave it out for the default");
        }
    }

    private static bool Fits(JsonElement value, Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var t when t == typeof(string) => value.ValueKind == JsonValueKind.String,
        var t when t == typeof(bool) => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        var t when t == typeof(long) => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        var t when t == typeof(double) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var d) && double.IsFinite(d),
        _ => true, // Other types have converters with their own messages.
    };

    private static string Wanted(JsonTypeInfo type) => type.Kind switch
    {
        JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary => "an object",
        JsonTypeInfoKind.Enumerable => "a list",
        _ => (Nullable.GetUnderlyingType(type.Type) ?? type.Type) switch
        {
            var t when t == typeof(string) => "text",
            var t when t == typeof(bool) => "true or false",
            var t when t == typeof(long) => "a whole number",
            _ => "a number",
        },
    };

    private static string Found(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => $"the text {DnsLabel.Quote(value.GetString())}",
        JsonValueKind.Number => value.GetRawText() is { Length: > 40 } long_ ? $"{long_[..40]}…" : value.GetRawText(),
        JsonValueKind.Null => "null",
        _ => value.GetRawText(),
    };

    private static string Subject(string path) => path.Length == 0 ? "the body" : $"'{path}'";

    private static string Join(string path, string name)
    {
        var shown = DnsLabel.Quote(name)[1..^1];
        return path.Length == 0 ? shown : $"{path}.{shown}";
    }
}
