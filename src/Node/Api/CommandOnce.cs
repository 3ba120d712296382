using System.Net.Mime;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;

namespace Vni.Node.Api;

/// <summary>
/// Does a command that has an id (header <c>Vni-Command-Id</c>) once: who repeats it, because the answer was lost, gets the answer of the
/// first. Answers that are streams are not kept; draining a node twice does no harm.
/// </summary>
internal sealed class CommandOnce(RequestDelegate next, TimeProvider clock)
{
    internal const string Header = "Vni-Command-Id";

    private readonly RecentCommands<Answer> _recent = new(clock, answer => answer.Body.Length);

    /// <summary>Does the request, or answers as it was answered before.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        if (HttpMethods.IsGet(request.Method) || request.Path.StartsWithSegments(Caller.PeerPrefix) || request.Headers[Header] is not [{ } id] || IsStream(request.Path))
        {
            await next(context);
            return;
        }

        if (!CommandId.IsValid(id)) throw new VniException(ErrorCodes.InvalidArgument, $"header {Header} is {DnsLabel.Quote(id)}: {CommandId.Rule}");
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, context.RequestAborted);
        var what = $"{request.Method} {request.Path}{request.QueryString} {Convert.ToHexString(SHA256.HashData(body.GetBuffer().AsSpan(0, (int)body.Length)))}";
        body.Position = 0;
        request.Body = body;
        var answer = await _recent.DoAsync(Caller.IdentityOf(context)?.Name ?? "", id, what, () => DoAsync(context));
        await answer.SendAsync(context);
    }

    private static bool IsStream(PathString path) => path.Value is { } text && (text.EndsWith("/drain", StringComparison.Ordinal) || text.EndsWith("/leave", StringComparison.Ordinal));

    /// <summary>Runs the rest of the pipeline into memory.</summary>
    private async Task<Answer> DoAsync(HttpContext context)
    {
        var sent = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        using var body = new MemoryStream();
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(body));
        try
        {
            await next(context);
            await context.Response.BodyWriter.FlushAsync();
        }
        catch (VniException e)
        {
            return new Answer(Errors.StatusOf(e.Code), MediaTypeNames.Application.Json, Location: null, ApiJson.Serialize(new ErrorView(ErrorBody.Of(e))));
        }
        finally
        {
            context.Features.Set(sent);
        }

        var response = context.Response;
        return new Answer(response.StatusCode, response.ContentType, response.Headers.Location, body.ToArray());
    }

    private sealed record Answer(int Status, string? ContentType, string? Location, byte[] Body)
    {
        internal async Task SendAsync(HttpContext context)
        {
            context.Response.StatusCode = Status;
            context.Response.ContentType = ContentType;
            if (Location is not null) context.Response.Headers[HeaderNames.Location] = Location;
            if (Status != StatusCodes.Status204NoContent) context.Response.ContentLength = Body.Length;
            if (Body.Length > 0) await context.Response.Body.WriteAsync(Body, CancellationToken.None);
        }
    }
}
