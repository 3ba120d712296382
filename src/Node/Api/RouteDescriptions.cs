using System.Net.Mime;
using Microsoft.AspNetCore.Builder;
using Vni.Actors.Messages;

namespace Vni.Node.Api;

/// <summary>What the OpenAPI document says of a route beside its signature.</summary>
internal static class RouteDescriptions
{
    /// <summary>Name for generated clients, one line for people, and the statuses of its refusals.</summary>
    internal static RouteHandlerBuilder Describe(this RouteHandlerBuilder route, string name, string summary, params ReadOnlySpan<int> refusals)
    {
        route.WithName(name).WithSummary(summary);
        foreach (var status in refusals) route.Produces<ErrorView>(status, MediaTypeNames.Application.Json);
        return route;
    }
}
