using System.Net.Mime;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Vni.Actors;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Cluster.Messaging;

namespace Vni.Node.Api;

/// <summary>Questions of other nodes (<c>docs/messaging.md</c>). They are no part of the API: both ends are of one version.</summary>
internal static class PeerRoutes
{
    internal static void Map(IEndpointRouteBuilder routes, PeerDispatcher peers) =>
        routes.MapPost(PeerWire.AsksPath, context => AnswerAsync(context, peers)).ExcludeFromDescription();

    private static async Task AnswerAsync(HttpContext context, PeerDispatcher peers)
    {
        var aborted = context.RequestAborted;
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = PeerWire.MaximumAsk;
        var envelope = PeerWire.Parse((await PeerWire.ReadToEndAsync(context.Request.Body, PeerWire.MaximumAsk, aborted)).Span);
        await ReplyAsync(context, await RefusalAsync(() => peers.AnswerAsync(envelope, Caller.IdentityOf(context))));
    }

    private static async Task<PeerReply> RefusalAsync(Func<Task<PeerReply>> answer)
    {
        try
        {
            return await answer();
        }
        catch (VniException e)
        {
            return new() { Format = PeerEnvelope.CurrentFormat, Error = ErrorBody.Of(e) };
        }
    }

    private static Task ReplyAsync(HttpContext context, PeerReply reply)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(reply, PeerJson.Default.PeerReply);
        context.Response.ContentType = MediaTypeNames.Application.Json;
        context.Response.ContentLength = json.Length;
        return context.Response.Body.WriteAsync(json, CancellationToken.None).AsTask();
    }
}
