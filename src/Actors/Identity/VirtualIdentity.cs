using System.Net;

namespace Vni.Actors.Identity;

/// <summary>A virtual network identity (VNI): what belongs to the instance and not to a machine.</summary>
/// <param name="Ip">IPv4 address, dotted.</param>
/// <param name="PrefixLength">Bits of the network part; the instance reaches its subnet without a gateway.</param>
/// <param name="Mac">Lower case, colons: <c>02:00</c> (locally administered, IEEE 802) and the four bytes of the address.</param>
/// <param name="Hostname">One DNS label.</param>
public sealed record VirtualIdentity(string Ip, int PrefixLength, string Mac, string Hostname)
{
    /// <summary>IPv6 address in its canonical spelling (RFC 5952); <c>null</c>: none.</summary>
    public string? Ip6 { get; init; }

    /// <summary>Bits of its network part; <c>null</c> where there is no such address.</summary>
    public int? PrefixLength6 { get; init; }

    /// <summary>The MAC that belongs to an address: unique on the segment because the address is.</summary>
    public static string MacOf(IPAddress address)
    {
        var b = address.GetAddressBytes();
        return $"02:00:{b[0]:x2}:{b[1]:x2}:{b[2]:x2}:{b[3]:x2}";
    }

    /// <summary>The hostname of an application that was given none: <c>vni-10-117-0-5</c>.</summary>
    public static string HostnameOf(IPAddress address) => $"vni-{address.ToString().Replace('.', '-')}";
}
