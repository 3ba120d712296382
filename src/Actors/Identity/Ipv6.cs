using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Vni.Actors.Identity;

/// <summary>IPv6 addresses as text and as numbers. One address has many spellings; <see cref="IPAddress.ToString"/> gives the canonical
/// one (RFC 5952), which alone is stored and compared.</summary>
public static class Ipv6
{
    /// <summary>What a declaration says in place of an address: this application has none.</summary>
    public const string None = "none";

    /// <summary>What is accepted, as the second half of a sentence.</summary>
    public const string Rule = "write an IPv6 address without brackets or zone, such as fd00:117::5, or 'none'";

    /// <summary>Parses any spelling in hexadecimal: no brackets, zone, port or dotted part.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        return text is { Length: >= 2 and <= 39 } && text.Contains(':') && text.All(c => char.IsAsciiHexDigit(c) || c == ':')
            && IPAddress.TryParse(text, out address) && address.AddressFamily == AddressFamily.InterNetworkV6;
    }

    /// <summary>Whether it is one that a host may have and other hosts can reach: global (2000::/3) or unique local (fc00::/7, RFC 4193).</summary>
    public static bool IsUnicast(IPAddress address) => (ToNumber(address) >> 120) is var first && ((first & 0xe0) == 0x20 || (first & 0xfe) == 0xfc);

    /// <summary>The address as a number, most significant byte first.</summary>
    public static UInt128 ToNumber(IPAddress address) => BinaryPrimitives.ReadUInt128BigEndian(address.GetAddressBytes());

    /// <summary>The address of a number.</summary>
    public static IPAddress FromNumber(UInt128 number)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(bytes);
    }
}
