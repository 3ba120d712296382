using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Vni.Actors;
using Vni.Actors.Security;

namespace Vni.Node.Api;

/// <summary>
/// Who may ask what. Whoever can open the unix socket may do everything but speak for another node; over TCP, an operator or a node
/// may use the API, and nodes alone may send messages.
/// </summary>
internal sealed class Caller(RequestDelegate next)
{
    /// <summary>Below it are messages between nodes.</summary>
    internal const string PeerPrefix = "/v1/peer";

    /// <summary>Lets the request pass or refuses it.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        var isPeer = context.Request.Path.StartsWithSegments(PeerPrefix);
        if (IsLocal(context))
        {
            if (isPeer) throw new VniException(ErrorCodes.Forbidden, "messages between nodes are not taken on the unix socket: send them to the address in 'listen'");
        }
        else if (IdentityOf(context) is { } caller)
        {
            if (isPeer && caller.Role != PeerRole.Node)
                throw new VniException(ErrorCodes.Forbidden, $"the certificate of '{caller.Name}' is no node's: only nodes may send messages to nodes");
            if (caller.Role == PeerRole.Registry)
                throw new VniException(ErrorCodes.Forbidden, $"the certificate of '{caller.Name}' is that of a registry, which gives no commands: use one of role operator");
        }

        return next(context);
    }

    /// <summary>Whose certificate came with the connection; <c>null</c>: it needs none.</summary>
    internal static PeerIdentity? IdentityOf(HttpContext context) =>
        context.Connection.ClientCertificate is { } certificate ? FarmTls.IdentityOf(certificate) : null;

    private static bool IsLocal(HttpContext context) =>
        context.Features.Get<IConnectionSocketFeature>()?.Socket.AddressFamily == AddressFamily.Unix;
}
