using System.Collections.Immutable;
using System.Net;
using Vni.Actors.Identity;

namespace Vni.Actors.Names;

/// <param name="Hostname">One label.</param>
/// <param name="Ip">IPv4 address.</param>
/// <param name="Ip6">IPv6 address; <c>null</c>: none.</param>
public sealed record NamedInstance(string Hostname, IPAddress Ip, IPAddress? Ip6)
{
    /// <summary>What an identity of the registry says; <c>null</c>: it is not one.</summary>
    public static NamedInstance? Of(VirtualIdentity? identity) =>
        identity is not null && DnsLabel.IsValid(identity.Hostname) && Ipv4.TryParse(identity.Ip, out var ip)
            ? new NamedInstance(identity.Hostname, ip, identity.Ip6 is { } text && Ipv6.TryParse(text, out var ip6) ? ip6 : null)
            : null;
}

/// <summary>Everything that has a name, at one revision of the registry: running, dormant, stopped or lost, whatever holds its identity.</summary>
public sealed class ZoneTable
{
    private readonly ImmutableDictionary<string, NamedInstance> _byAid;
    private readonly ImmutableDictionary<string, NamedInstance> _byHostname;
    private readonly ImmutableDictionary<IPAddress, NamedInstance> _byAddress;

    private ZoneTable(
        long revision, ImmutableDictionary<string, NamedInstance> byAid, ImmutableDictionary<string, NamedInstance> byHostname, ImmutableDictionary<IPAddress, NamedInstance> byAddress) =>
        (Revision, _byAid, _byHostname, _byAddress) = (revision, byAid, byHostname, byAddress);

    /// <summary>Nothing has a name.</summary>
    public static ZoneTable Empty { get; } = new(
        0, ImmutableDictionary.Create<string, NamedInstance>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, NamedInstance>(StringComparer.OrdinalIgnoreCase), ImmutableDictionary<IPAddress, NamedInstance>.Empty);

    /// <summary>The registry's revision that this is the state of.</summary>
    public long Revision { get; }

    /// <summary>Number of instances.</summary>
    public int Count => _byAid.Count;

    /// <summary>By hostname, in any case; <c>null</c>: none.</summary>
    public NamedInstance? Find(string hostname) => _byHostname.GetValueOrDefault(hostname);

    /// <summary>By either of its addresses; <c>null</c>: none.</summary>
    public NamedInstance? Find(IPAddress address) => _byAddress.GetValueOrDefault(address);

    /// <summary>The table after some applications have changed.</summary>
    /// <param name="revision">The revision of the changes.</param>
    /// <param name="changes">Each application and what it is called now; <c>null</c>: it is gone.</param>
    public ZoneTable With(long revision, IEnumerable<KeyValuePair<string, NamedInstance?>> changes)
    {
        var (byAid, byHostname, byAddress) = (_byAid.ToBuilder(), _byHostname.ToBuilder(), _byAddress.ToBuilder());
        foreach (var (aid, now) in changes)
        {
            var before = byAid.GetValueOrDefault(aid);
            if (before == now) continue;
            if (before is not null)
            {
                // Another application may have the name already, if both changes came at once.
                if (byHostname.GetValueOrDefault(before.Hostname) == before) byHostname.Remove(before.Hostname);
                foreach (var address in AddressesOf(before).Where(address => byAddress.GetValueOrDefault(address) == before)) byAddress.Remove(address);
            }

            if (now is null)
            {
                byAid.Remove(aid);
                continue;
            }

            byAid[aid] = now;
            byHostname[now.Hostname] = now;
            foreach (var address in AddressesOf(now)) byAddress[address] = now;
        }

        return new ZoneTable(revision, byAid.ToImmutable(), byHostname.ToImmutable(), byAddress.ToImmutable());
    }

    private static IEnumerable<IPAddress> AddressesOf(NamedInstance instance) => instance.Ip6 is { } ip6 ? [instance.Ip, ip6] : [instance.Ip];
}
