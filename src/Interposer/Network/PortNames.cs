using System.Security.Cryptography;
using System.Text;
using Vni.Actors.Identity;

namespace Vni.Interposer.Network;

/// <summary>
/// Names of a port's interfaces. The kernel allows 15 characters, an AID has up to 63: so the names are made of a digest,
/// and the alias carries the AID itself, for <see cref="INodeNetwork.FindPorts"/> and for people who run <c>ip link</c>.
/// </summary>
internal sealed class PortNames(string bridge)
{
    /// <summary>How the aliases of all ports of the bridge begin, and no others.</summary>
    public string AliasPrefix { get; } = $"vni:{bridge}:";

    /// <summary>The outer end of the veth pair.</summary>
    public string Veth(Aid aid) => "vv" + Digest(aid);

    /// <summary>The tap of the parked port.</summary>
    public string Tap(Aid aid) => "vt" + Digest(aid);

    /// <summary>The alias of both.</summary>
    public string Alias(Aid aid) => AliasPrefix + aid.Value;

    /// <summary>The AID in an alias; <c>null</c> when it is not of this bridge.</summary>
    public string? AidOf(string? alias) =>
        alias is not null && alias.StartsWith(AliasPrefix, StringComparison.Ordinal) ? alias[AliasPrefix.Length..] : null;

    private string Digest(Aid aid) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{bridge}:{aid.Value}")).AsSpan(0, 6));
}
