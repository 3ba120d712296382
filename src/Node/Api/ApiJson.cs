using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Vni.Actors.Messages;

namespace Vni.Node.Api;

/// <summary>Types of query parameters and plain answers, beside those of <see cref="VniJson"/>.</summary>
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>All types that the API reads or writes.</summary>
    internal static IJsonTypeInfoResolver Resolver { get; } = JsonTypeInfoResolver.Combine(VniJson.Default, Default);
}
