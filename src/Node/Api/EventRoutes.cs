using System.ComponentModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Vni.Actors.Applications;
using Vni.Actors.Identity;

namespace Vni.Node.Api;

/// <summary>Events as newline-delimited JSON: one object a line, sent as it happens.</summary>
internal static class EventRoutes
{
    internal static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/applications/{aid}/events", SendAsync)
            .WithTags("applications")
            .Produces<ApplicationEvent>(StatusCodes.Status200OK, NdJson.ContentType)
            .Describe("listEvents", "What has happened to an application, one JSON object a line; with follow also what happens, until it is removed", 400, 404);

    private static async Task SendAsync(
        string aid, [Description("true: go on until the application is removed; default false")] string? follow, HttpContext context,
        [FromServices] IApplicationService service)
    {
        var name = Aid.Parse(aid);
        var goOn = Query.Flag("follow", follow);
        await service.GetAsync(name, context.RequestAborted); // A refusal must come before the head of the answer.
        await Streaming.AnswerAsync(context, NdJson.ContentType, async cancellation =>
        {
            await foreach (var happened in service.EventsAsync(name, goOn, cancellation).WithCancellation(cancellation)) await NdJson.WriteAsync(context, happened, cancellation);
        });
    }
}
