using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Vni.Actors;

namespace Vni.Node.Api;

/// <summary>Reads bodies that users wrote: strictly, because a misspelled member that is skipped is a setting that silently
/// does not apply.</summary>
internal static class RequestBody
{
    /// <summary>Largest body, in bytes.</summary>
    internal const long MaximumSize = 1 << 20;

    private const int MaximumDepth = 16;

    private static readonly JsonSerializerOptions Strict = new(Vni.Actors.Messages.VniJson.Default.Options)
    {
        PropertyNameCaseInsensitive = false,
        NumberHandling = JsonNumberHandling.Strict,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        MaxDepth = MaximumDepth,
    };

    /// <summary>Reads the body as a <typeparamref name="T"/>.</summary>
    /// <param name="request">The request.</param>
    /// <param name="absent">What an empty body stands for; <c>null</c>: there must be one.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>, with everything that does not fit.</exception>
    internal static async Task<T> ReadAsync<T>(HttpRequest request, T? absent)
        where T : class
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        if (body.Length == 0) return absent ?? throw Invalid("there is none: send JSON");
        return Parse<T>(body.GetBuffer().AsMemory(0, (int)body.Length));
    }

    /// <summary>Parses a body.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>, with everything that does not fit.</exception>
    internal static T Parse<T>(ReadOnlyMemory<byte> json)
        where T : class
    {
        var type = (JsonTypeInfo<T>)Strict.GetTypeInfo(typeof(T));
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaximumDepth, AllowDuplicateProperties = false });
            var problems = JsonShape.Check(document.RootElement, type);
            if (problems.Count > 0) throw Invalid(string.Join("; ", problems));
            return document.Deserialize(type)!;
        }
        catch (JsonException e)
        {
            var place = e.LineNumber is { } line ? $" (line {line + 1}, byte {e.BytePositionInLine + 1})" : "";
            throw Invalid($"not JSON: {e.Message.Split(" LineNumber:")[0].TrimEnd('.')}{place}");
        }
    }

    private static VniException Invalid(string problems) => new(ErrorCodes.InvalidArgument, $"the request's body is not valid: {problems}");
}
