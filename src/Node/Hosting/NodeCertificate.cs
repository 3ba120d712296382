using Vni.Actors;
using Vni.Actors.Security;
using Vni.Node.Configuration;

namespace Vni.Node.Hosting;

/// <summary>The certificate by which the node is known to others.</summary>
internal static class NodeCertificate
{
    /// <summary>Reads it; <c>null</c>: the configuration names none.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: the files are not usable, or not this node's.</exception>
    internal static FarmTls? Load(NodeOptions options, TimeProvider clock)
    {
        if (options.Tls.Files is not { } files) return null;
        var tls = FarmTls.Load(files, clock);
        try
        {
            var identity = FarmTls.IdentityOf(tls.Certificate);
            if (identity != new PeerIdentity(options.Node, PeerRole.Node))
            {
                throw new VniException(ErrorCodes.InvalidArgument,
                    $"TLS file '{files.Certificate}' is the certificate of {identity.Role.ToString().ToLowerInvariant()} '{identity.Name}', and this is node '{options.Node}': use the node's own");
            }

            return tls;
        }
        catch
        {
            tls.Dispose();
            throw;
        }
    }
}
