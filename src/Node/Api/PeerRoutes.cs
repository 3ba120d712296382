using System.Net.Mime;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Vni.Actors;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Cluster.Messaging;

namespace Vni.Node.Api;

/// <summary>Messages of other nodes (<c>docs/messaging.md</c>). They are no part of the API: both ends are of one version.</summary>
internal static class PeerRoutes
{
    internal static void Map(IEndpointRouteBuilder routes, PeerDispatcher peers, TimeProvider clock)
    {
        routes.MapPost(PeerWire.AsksPath, context => AnswerAsync(context, peers)).ExcludeFromDescription();
        routes.MapPost(PeerWire.StreamsPath, context => ReadAsync(context, peers, clock)).ExcludeFromDescription();
    }

    private static async Task AnswerAsync(HttpContext context, PeerDispatcher peers)
    {
        var aborted = context.RequestAborted;
        Features<IHttpMaxRequestBodySizeFeature>(context).MaxRequestBodySize = PeerWire.MaximumAsk;
        var envelope = PeerWire.Parse((await PeerWire.ReadToEndAsync(context.Request.Body, PeerWire.MaximumAsk, aborted)).Span);
        await ReplyAsync(context, await RefusalAsync(() => peers.AnswerAsync(envelope, Caller.IdentityOf(context))));
    }

    private static async Task ReadAsync(HttpContext context, PeerDispatcher peers, TimeProvider clock)
    {
        var aborted = context.RequestAborted;
        Features<IHttpMaxRequestBodySizeFeature>(context).MaxRequestBodySize = null;
        Features<IHttpMinRequestBodyDataRateFeature>(context).MinDataRate = null; // Silence is judged below, slowness is allowed.
        await using var body = new StallGuardedStream(context.Request.Body, PeerWire.StallLimit, clock, aborted);
        PeerReply reply;
        try
        {
            var header = await PeerWire.ReadFrameAsync(body, aborted);
            reply = await RefusalAsync(() => peers.ReadAsync(header, Caller.IdentityOf(context), body, aborted));
        }
        catch (EndOfStreamException e)
        {
            throw new VniException(ErrorCodes.InvalidArgument, "a stream of another node ends within its header", e);
        }

        // What a reader made of a broken stream is for nobody: the sender must not take it for an answer to all that it sent.
        if (body.Broken is not null) context.Abort();
        else await ReplyAsync(context, reply);
    }

    private static async Task<PeerReply> RefusalAsync(Func<Task<PeerReply>> answer)
    {
        try
        {
            return await answer();
        }
        catch (VniException e)
        {
            return new() { Format = PeerEnvelope.CurrentFormat, Error = new ErrorBody(e.Code, e.Message) };
        }
    }

    private static Task ReplyAsync(HttpContext context, PeerReply reply)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(reply, PeerJson.Default.PeerReply);
        context.Response.ContentType = MediaTypeNames.Application.Json;
        context.Response.ContentLength = json.Length;
        return context.Response.Body.WriteAsync(json, CancellationToken.None).AsTask();
    }

    private static T Features<T>(HttpContext context)
        where T : class => context.Features.GetRequiredFeature<T>();
}
