using System.Net;

namespace Vni.Actors.Resources;

/// <summary>A server that listens on all addresses has one id for them, which is not that of the address where it is reached.</summary>
internal static class WildcardIds
{
    /// <summary>The ids that a socket on all addresses may have which is reached at this one; none: it is no address and port.</summary>
    /// <param name="type">Only <see cref="ResourceType.Tcp"/> and <see cref="ResourceType.Udp"/> have such ids.</param>
    /// <param name="virtualId">What was asked for.</param>
    public static IEnumerable<string> Of(ResourceType type, string virtualId)
    {
        if (type is not (ResourceType.Tcp or ResourceType.Udp) || !IPEndPoint.TryParse(virtualId, out var asked) || asked.Port == 0) return [];
        // A socket on all IPv6 addresses usually serves the IPv4 ones, too.
        var both = new[] { new IPEndPoint(IPAddress.Any, asked.Port), new IPEndPoint(IPAddress.IPv6Any, asked.Port) };
        return both.Where(wildcard => asked.AddressFamily == wildcard.AddressFamily || wildcard.Address.Equals(IPAddress.IPv6Any)).Select(wildcard => wildcard.ToString());
    }
}
