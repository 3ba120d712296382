using System.Globalization;
using System.Net;
using Vni.Actors.Identity;
using static Vni.Cluster.Hosting.SettingForms;

namespace Vni.Node.Configuration;

/// <summary>Forms of the values that say which IPv6 addresses there are; each throws <see cref="FormatException"/> saying what is accepted.</summary>
internal static class Ipv6Forms
{
    internal static IPNetwork Subnet(string text) =>
        Parse(text) is var (address, bits) && bits is >= AddressRange6.ShortestPrefix and <= AddressRange6.LongestPrefix && Ipv6.IsUnicast(address)
            ? new IPNetwork(address, bits)
            : throw Bad(text, "an IPv6 subnet",
                $"write ADDRESS/BITS with {AddressRange6.ShortestPrefix} to {AddressRange6.LongestPrefix} bits, zeros in the host part and a global or unique local prefix, such as fd00:117::/64");

    internal static IPAddress? Gateway(string text) => text is Ipv6.None ? null
        : Ipv6.TryParse(text, out var address) ? address : throw Bad(text, "an IPv6 address", Ipv6.Rule);

    internal static (IPAddress First, IPAddress Last) Range(string text)
    {
        if (text.Split('-') is [var first, var last] && Ipv6.TryParse(first, out var from) && Ipv6.TryParse(last, out var to) && Ipv6.ToNumber(from) <= Ipv6.ToNumber(to)) return (from, to);
        if (Parse(text) is var (start, bits)) return (start, Ipv6.FromNumber(Ipv6.ToNumber(start) | HostBits(bits)));
        throw Bad(text, "a range of IPv6 addresses", "write FIRST-LAST or ADDRESS/BITS, such as fd00:117::1:0/112");
    }

    /// <summary>A prefix that has no bits beyond its length.</summary>
    private static (IPAddress Address, int Bits)? Parse(string text) =>
        text.Split('/') is [var prefix, var length] && Ipv6.TryParse(prefix, out var address) && int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var bits) && bits is >= 1 and <= 128
        && (Ipv6.ToNumber(address) & HostBits(bits)) == 0
            ? (address, bits)
            : null;

    private static UInt128 HostBits(int bits) => bits == 128 ? 0 : UInt128.MaxValue >> bits;
}
