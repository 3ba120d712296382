using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;

namespace Vni.Node.Api;

/// <summary>The daemon and its machine.</summary>
internal static class NodeRoutes
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/version", ([FromServices] VersionView version) => version)
            .WithTags("node")
            .Describe("getVersion", "Version and name of the daemon, and version of this API");
        routes.MapGet("/v1/check", (CancellationToken cancellation, [FromServices] IInstanceAccess access) => access.CheckAsync(cancellation))
            .WithTags("node")
            .Describe("checkNode", "What this machine can and cannot do, with the remedy");
        routes.MapGet("/healthz", () => TypedResults.Text("ok\n"))
            .WithTags("node")
            .Produces<string>(StatusCodes.Status200OK, "text/plain")
            .Describe("getHealth", "Whether the daemon serves; it does so only after recovery");
    }
}
