using System.Net;

namespace Vni.Interposer.Instances;

/// <summary>An instance's <c>/etc/resolv.conf</c> (resolv.conf(5)), made of the node's.</summary>
internal static class ResolverFile
{
    /// <summary>What a resolver looks at (MAXNS).</summary>
    private const int MostServers = 3;

    /// <summary>What older resolvers look at (MAXDNSRCH).</summary>
    private const int MostDomains = 6;

    /// <summary>The farm's servers and domain, then the node's; options as the node has them.</summary>
    /// <param name="names">The farm's.</param>
    /// <param name="node">The node's file; <c>null</c>: it has none.</param>
    internal static string For(InstanceNames names, string? node)
    {
        var lines = (node ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => (Line: line, Words: line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))).ToList();
        var servers = names.Servers.Select(address => address.ToString())
            .Concat(names.NodesToo ? lines.Where(line => line.Words is ["nameserver", _, ..] && !IsLoopback(line.Words[1])).Select(line => line.Words[1]) : []);

        // The last of these lines counts, and no other.
        var domains = lines.LastOrDefault(line => line.Words is ["search" or "domain", _, ..]).Words?[1..] ?? [];
        return string.Concat(servers.Distinct().Take(MostServers).Select(server => $"nameserver {server}\n"))
            + $"search {string.Join(' ', domains.Prepend(names.Domain).Distinct().Take(MostDomains))}\n"
            + string.Concat(lines.Where(line => line.Words is not (["nameserver" or "search" or "domain", ..] or [])).Select(line => line.Line + "\n"));
    }

    /// <summary>The instance has a loopback of its own, with no server on it.</summary>
    private static bool IsLoopback(string server) => IPAddress.TryParse(server.Split('%')[0], out var ip) && IPAddress.IsLoopback(ip);
}
