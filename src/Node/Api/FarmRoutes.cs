using System.ComponentModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Vni.Actors;
using Vni.Actors.Farms;
using Vni.Actors.Identity;
using Vni.Actors.Messages;

namespace Vni.Node.Api;

/// <summary>
/// The farm and what moves in it. As with applications, what was begun is carried through: migrating and draining go on when
/// their client goes away.
/// </summary>
internal static class FarmRoutes
{
    /// <summary>Longest time that a migration can be given, in seconds.</summary>
    private const double MaximumTimeout = 3600;

    private const int DefaultLimit = 1000;
    private const int MaximumLimit = 100_000;

    internal static void Map(IEndpointRouteBuilder routes)
    {
        var farm = routes.MapGroup("/v1").WithTags("farm");
        farm.MapGet("cluster", (CancellationToken cancellation, [FromServices] IFarmService service) => service.GetClusterAsync(cancellation))
            .Describe("getCluster", "The farm at a glance: registry, leader, nodes, number of applications by status", 503);
        farm.MapGet("cluster/watch", WatchAsync)
            .Produces<FarmEvent>(StatusCodes.Status200OK, NdJson.ContentType)
            .Describe("watchCluster", "What happens in the farm from now on, one JSON object a line");
        farm.MapGet("nodes", (CancellationToken cancellation, [FromServices] IFarmService service) => service.ListNodesAsync(cancellation))
            .Describe("listNodes", "All nodes, in order of name", 503);
        farm.MapPost("nodes/{node}/drain", (string node, HttpContext context, [FromServices] IFarmService service) => DrainAsync(node, leave: false, context, service))
            .Accepts<DrainRequest>(isOptional: true, System.Net.Mime.MediaTypeNames.Application.Json)
            .Produces<DrainProgress>(StatusCodes.Status200OK, NdJson.ContentType)
            .Describe("drainNode", "Moves every application away from a node, one JSON object a line for each", 400, 404, 409, 503);
        farm.MapPost("nodes/{node}/leave", (string node, HttpContext context, [FromServices] IFarmService service) => DrainAsync(node, leave: true, context, service))
            .Accepts<DrainRequest>(isOptional: true, System.Net.Mime.MediaTypeNames.Application.Json)
            .Produces<DrainProgress>(StatusCodes.Status200OK, NdJson.ContentType)
            .Describe("leaveNode", "Moves every application away from a node, whose daemon then leaves the farm and ends", 400, 404, 409, 503);
        farm.MapPost("nodes/{node}/down", DownAsync)
            .Describe("downNode", "Gives a dead node up before its lease expires; one that does not answer only with force", 400, 404, 409, 503);
        farm.MapGet("actors", ([FromServices] IFarmService service) => service.ListActors())
            .Describe("listActors", "Paths of the actors of this node, parents before children");
        farm.MapGet("shards", (CancellationToken cancellation, [FromServices] IFarmService service) => service.ListShardsAsync(cancellation))
            .Describe("listShards", "Where the actors of all applications are", 503);
        farm.MapGet("registry", ReadRegistryAsync)
            .Describe("readRegistry", "Pairs of the registry, in order of key", 400, 503);
        routes.MapPost("/v1/applications/{aid}/migrate", MigrateAsync)
            .WithTags("applications")
            .Accepts<MigrateRequest>(System.Net.Mime.MediaTypeNames.Application.Json)
            .Describe("migrateApplication", "Moves an application to another node, or says what would block that", 400, 404, 409, 500, 503);
    }

    private static async Task<MigrationView> MigrateAsync(string aid, HttpRequest request, [FromServices] IFarmService service)
    {
        var name = Aid.Parse(aid);
        var wanted = await RequestBody.ReadAsync<MigrateRequest>(request, absent: null);
        if (wanted.TimeoutSeconds is not (> 0 and <= MaximumTimeout))
        {
            throw new VniException(ErrorCodes.InvalidArgument,
                $"cannot migrate application '{name}': timeoutSeconds is {wanted.TimeoutSeconds}, but must be more than 0 and at most {MaximumTimeout}");
        }

        return await service.MigrateAsync(name, wanted with { Node = NodeName(wanted.Node) }, CancellationToken.None);
    }

    private static async Task DrainAsync(string node, bool leave, HttpContext context, IFarmService service)
    {
        var stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var (name, request) = (NodeName(node), await RequestBody.ReadAsync(context.Request, new DrainRequest()));
        await using var progress = service.DrainAsync(name, request, leave, stopping).GetAsyncEnumerator(stopping);
        var more = await progress.MoveNextAsync(); // A refusal must come before the head of the answer.
        NdJson.Begin(context);
        for (; more; more = await progress.MoveNextAsync())
        {
            if (!context.RequestAborted.IsCancellationRequested) await NdJson.WriteAsync(context, progress.Current, CancellationToken.None);
        }
    }

    private static async Task<NoContent> DownAsync(
        string node, [Description("true: also one that does not answer, because it is certainly off; default false")] string? force, [FromServices] IFarmService service)
    {
        await service.DownAsync(NodeName(node), Query.Flag("force", force), CancellationToken.None);
        return TypedResults.NoContent();
    }

    private static Task WatchAsync(HttpContext context, [FromServices] IFarmService service) =>
        Streaming.AnswerAsync(context, NdJson.ContentType, async cancellation =>
        {
            await foreach (var happened in service.WatchAsync(cancellation).WithCancellation(cancellation)) await NdJson.WriteAsync(context, happened, cancellation);
        });

    private static Task<IReadOnlyList<RegistryPairView>> ReadRegistryAsync(
        [Description("first characters of the keys, after /vni/FARM/; default: all keys of the farm")] string? prefix,
        [Description("most pairs; default 1000")] string? limit, [FromServices] IFarmService service, CancellationToken cancellation) =>
        service.ReadRegistryAsync(prefix ?? "", Query.Number("limit", limit, 1, MaximumLimit) ?? DefaultLimit, cancellation);

    private static string NodeName(string node) => DnsLabel.IsValid(node)
        ? node
        : throw new VniException(ErrorCodes.InvalidArgument, $"node name {DnsLabel.Quote(node)} is not valid: {DnsLabel.Rule}");
}
