using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vni.Actors.Identity;

/// <summary>
/// Application id: the farm-wide, sole definitive name of an application instance. A DNS label (RFC 1123): 1 to 63
/// lower-case letters, digits and hyphens, no hyphen at either end; so it is also safe as a file name, a cgroup name and
/// a part of a registry key.
/// </summary>
[JsonConverter(typeof(AidJsonConverter))]
public readonly record struct Aid
{
    private readonly string? _value;

    private Aid(string value) => _value = value;

    /// <summary>The name itself; empty for <c>default</c>.</summary>
    public string Value => _value ?? "";

    /// <summary>Parses a name that is known to be good.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>, with what would be accepted.</exception>
    public static Aid Parse(string? text) => TryParse(text, out var aid)
        ? aid
        : throw new VniException(ErrorCodes.InvalidArgument, $"application name {DnsLabel.Quote(text)} is not valid: {DnsLabel.Rule}");

    /// <summary>Parses a name.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Aid aid)
    {
        var valid = DnsLabel.IsValid(text);
        aid = valid ? new Aid(text!) : default;
        return valid;
    }

    /// <inheritdoc />
    public override string ToString() => Value;
}

internal sealed class AidJsonConverter : JsonConverter<Aid>
{
    public override Aid Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Aid.TryParse(reader.GetString(), out var aid) ? aid : throw new JsonException("not an application name");

    public override void Write(Utf8JsonWriter writer, Aid value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}
