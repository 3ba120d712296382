using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Vni.Actors.Messages;

namespace Vni.Node.Api;

/// <summary>Types of query parameters and plain answers, beside those of <see cref="VniJson"/>.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>Makes options those of the API's answers: types of our contexts only, so that what is missing in them is
    /// missing in a test too, and quotes as they are, for people who read answers without a program.</summary>
    internal static void Apply(JsonSerializerOptions options)
    {
        options.TypeInfoResolverChain.Clear();
        options.TypeInfoResolverChain.Add(VniJson.Default);
        options.TypeInfoResolverChain.Add(Default);
        options.NumberHandling = JsonNumberHandling.Strict;
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
    }

    /// <summary>Bytes of an answer that is written without the routes' machinery.</summary>
    internal static byte[] Serialize<T>(T answer) => JsonSerializer.SerializeToUtf8Bytes(answer, (JsonTypeInfo<T>)Answers.GetTypeInfo(typeof(T)));

    private static JsonSerializerOptions Answers => field ??= Make();

    private static JsonSerializerOptions Make()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        Apply(options);
        return options;
    }
}
