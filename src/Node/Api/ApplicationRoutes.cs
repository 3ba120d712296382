using System.ComponentModel;
using System.Net.Mime;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;

namespace Vni.Node.Api;

/// <summary>
/// Applications and their snapshots. An operation that was accepted is carried through even if its client goes away: what
/// becomes of an application must not depend on a terminal that is closed.
/// </summary>
internal static class ApplicationRoutes
{
    /// <summary>Longest time between SIGTERM and SIGKILL that can be asked for, in seconds.</summary>
    private const double MaximumGrace = 3600;

    internal static void Map(IEndpointRouteBuilder routes)
    {
        var applications = routes.MapGroup("/v1/applications").WithTags("applications");
        applications.MapGet("", (CancellationToken cancellation, [FromServices] IApplicationService service) => service.ListAsync(cancellation))
            .Describe("listApplications", "All applications, in order of name");
        applications.MapPost("", RunAsync)
            .Accepts<ApplicationDeclaration>(MediaTypeNames.Application.Json)
            .Describe("runApplication", "Allocates an identity and starts the processes", 400, 409, 413, 503, 507);
        applications.MapGet("{aid}", (string aid, CancellationToken cancellation, [FromServices] IApplicationService service) => service.GetAsync(Aid.Parse(aid), cancellation))
            .Describe("getApplication", "One application", 400, 404);
        applications.MapDelete("{aid}", RemoveAsync)
            .Describe("removeApplication", "Removes an application with its identity, files and snapshots; with force also one that runs", 400, 404, 409);
        applications.MapPost("{aid}/start", (string aid, [FromServices] IApplicationService service) => service.StartAsync(Aid.Parse(aid), CancellationToken.None))
            .Describe("startApplication", "Starts the processes of a stopped application from their beginning", 400, 404, 409, 503);
        applications.MapPost("{aid}/stop", StopAsync)
            .Accepts<StopRequest>(isOptional: true, MediaTypeNames.Application.Json)
            .Describe("stopApplication", "Ends the processes: SIGTERM, and SIGKILL after a time of grace", 400, 404, 409);
        applications.MapPost("{aid}/join", JoinAsync)
            .Accepts<JoinRequest>(MediaTypeNames.Application.Json)
            .Describe("joinApplication", "Starts another program in a running application, which is saved, moved and restored with it", 400, 404, 409);
        applications.MapPost("{aid}/snapshot", SnapshotAsync)
            .Accepts<SnapshotRequest>(isOptional: true, MediaTypeNames.Application.Json)
            .Describe("snapshotApplication", "Takes a snapshot; the application is dormant afterwards, or runs on", 400, 404, 409, 500, 503, 507);
        applications.MapGet("{aid}/check", CheckAsync)
            .Describe("checkApplication", "Everything that would keep an application from being saved at this moment; it is not disturbed", 400, 404, 409, 503);
        applications.MapPost("{aid}/restore", RestoreAsync)
            .Accepts<RestoreRequest>(isOptional: true, MediaTypeNames.Application.Json)
            .Describe("restoreApplication", "Brings an application back from a snapshot", 400, 404, 409, 500, 503, 507);
        routes.MapGet("/v1/snapshots", (string? aid, CancellationToken cancellation, [FromServices] IApplicationService service) =>
                service.ListSnapshotsAsync(aid is null ? null : Aid.Parse(aid), cancellation))
            .WithTags("snapshots")
            .Describe("listSnapshots", "Complete snapshots, oldest first, of one application or of all", 400);
    }

    private static async Task<Created<ApplicationView>> RunAsync(HttpRequest request, [FromServices] IApplicationService service)
    {
        var declaration = await RequestBody.ReadAsync<ApplicationDeclaration>(request, absent: null);
        var view = await service.RunAsync(declaration, CancellationToken.None);
        return TypedResults.Created($"/v1/applications/{view.Aid}", view);
    }

    private static async Task<NoContent> RemoveAsync(
        string aid, [Description("true: also one that runs; default false")] string? force, [FromServices] IApplicationService service)
    {
        await service.RemoveAsync(Aid.Parse(aid), Query.Flag("force", force), CancellationToken.None);
        return TypedResults.NoContent();
    }

    private static async Task<ApplicationView> StopAsync(string aid, HttpRequest request, [FromServices] IApplicationService service)
    {
        var name = Aid.Parse(aid);
        var seconds = (await RequestBody.ReadAsync(request, new StopRequest())).GraceSeconds;
        if (seconds is not (>= 0 and <= MaximumGrace))
            throw new VniException(ErrorCodes.InvalidArgument, $"cannot stop application '{name}': graceSeconds is {seconds}, but must be 0 to {MaximumGrace}");
        return await service.StopAsync(name, TimeSpan.FromSeconds(seconds), CancellationToken.None);
    }

    private static async Task<JoinView> JoinAsync(string aid, HttpRequest request, [FromServices] IApplicationService service)
    {
        var name = Aid.Parse(aid);
        return await service.JoinAsync(name, await RequestBody.ReadAsync<JoinRequest>(request, absent: null), CancellationToken.None);
    }

    private static async Task<SnapshotView> SnapshotAsync(string aid, HttpRequest request, [FromServices] IApplicationService service)
    {
        var name = Aid.Parse(aid);
        return await service.SnapshotAsync(name, await RequestBody.ReadAsync(request, new SnapshotRequest()), CancellationToken.None);
    }

    private static async Task<ApplicationCheckView> CheckAsync(
        string aid, [FromServices] IApplicationService service, [FromServices] IInstanceAccess access, CancellationToken cancellation)
    {
        var name = Aid.Parse(aid);
        var view = await service.GetAsync(name, cancellation);
        if (view.Status == "starting") throw new VniException(ErrorCodes.WrongState, $"application {name} cannot be checked yet: it is being started; try again when that has ended");
        if (view.Status is not ("running" or "snapshotting" or "migrating"))
            throw new VniException(ErrorCodes.WrongState, $"application {name} is {view.Status}: it has no processes that could be checked; {(view.Status == "dormant" ? "restore" : "start")} it first");
        return new ApplicationCheckView(name.Value, view.Node, await access.CheckAsync(name, cancellation));
    }

    private static async Task<RestoreView> RestoreAsync(string aid, HttpRequest request, [FromServices] IApplicationService service)
    {
        var name = Aid.Parse(aid);
        return await service.RestoreAsync(name, await RequestBody.ReadAsync(request, new RestoreRequest()), CancellationToken.None);
    }
}
