using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;

namespace Vni.Node.Api;

/// <summary>Answers that go on until client, daemon or object ends.</summary>
internal static class Streaming
{
    /// <summary>Sends the head of the answer at once, then what <paramref name="write"/> writes. If the daemon stops first,
    /// the connection is cut, so that the client does not take that for the end of what it follows.</summary>
    internal static async Task AnswerAsync(HttpContext context, string contentType, Func<CancellationToken, Task> write)
    {
        var stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        context.Response.ContentType = contentType;
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        try
        {
            await context.Response.Body.FlushAsync(ended.Token);
            await write(ended.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            context.Abort();
        }
    }
}
