using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Vni.Node.Api;

/// <summary>Newline-delimited JSON: one object a line, sent as it happens.</summary>
internal static class NdJson
{
    internal const string ContentType = "application/x-ndjson";
    private static readonly byte[] LineFeed = "\n"u8.ToArray();

    /// <summary>Sets the head of the answer.</summary>
    internal static void Begin(HttpContext context)
    {
        context.Response.ContentType = ContentType;
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    /// <summary>Sends a line.</summary>
    internal static async Task WriteAsync<T>(HttpContext context, T line, CancellationToken cancellationToken)
    {
        await context.Response.Body.WriteAsync(ApiJson.Serialize(line), cancellationToken);
        await context.Response.Body.WriteAsync(LineFeed, cancellationToken);
        await context.Response.Body.FlushAsync(cancellationToken);
    }
}
