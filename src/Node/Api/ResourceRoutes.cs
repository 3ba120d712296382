using System.ComponentModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Resources;

namespace Vni.Node.Api;

/// <summary>Resource ids of applications, and their translation in both directions. Ids are parameters of the query: they may hold
/// slashes.</summary>
internal static class ResourceRoutes
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        var resources = routes.MapGroup("/v1").WithTags("resources");
        resources.MapGet("applications/{aid}/resources", ListAsync)
            .Describe("listResources", "Virtual and system ids of all resources of an application, or of those of one type", 400, 404, 409);
        resources.MapGet("applications/{aid}/translate", TranslateAsync)
            .Describe("translateVirtual", "What a virtual id of an application stands for on its node at this moment", 400, 404, 409);
        resources.MapGet("translate", TranslateSystemAsync)
            .Describe("translateSystem", "Which application a resource of a node belongs to, and what that calls it", 400, 404, 503);
    }

    private static Task<IReadOnlyList<ResourceView>> ListAsync(
        string aid, [Description("a type, such as process or tcp; default: all")] string? type, [FromServices] IApplicationService service, CancellationToken cancellation) =>
        service.ListResourcesAsync(Aid.Parse(aid), string.IsNullOrEmpty(type) ? null : ResourceNames.Parse(type), cancellation);

    private static Task<ResourceView> TranslateAsync(
        string aid, [Description("the type")] string? type, [Description("the id that the application uses")] string? @virtual, [FromServices] IApplicationService service, CancellationToken cancellation) =>
        service.TranslateAsync(Aid.Parse(aid), ResourceNames.Parse(Required("type", type)), Required("virtual", @virtual), cancellation);

    private static Task<ResourceView> TranslateSystemAsync(
        [Description("the node; default: the one that is asked")] string? node,
        [Description("the type")] string? type, [Description("the id that the node uses: a pid, socket:[INODE], ...")] string? system, [FromServices] IApplicationService service, CancellationToken cancellation)
    {
        if (!string.IsNullOrEmpty(node) && !DnsLabel.IsValid(node)) throw new VniException(ErrorCodes.InvalidArgument, $"node name {DnsLabel.Quote(node)} is not valid: {DnsLabel.Rule}");
        return service.TranslateSystemAsync(string.IsNullOrEmpty(node) ? null : node, ResourceNames.Parse(Required("type", type)), Required("system", system), cancellation);
    }

    private static string Required(string name, string? value) => string.IsNullOrEmpty(value)
        ? throw new VniException(ErrorCodes.InvalidArgument, $"query parameter '{name}' is missing")
        : value;
}
