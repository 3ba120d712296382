using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Vni.Actors.Identity;

/// <summary>IPv4 addresses as text and as numbers. <see cref="IPAddress.Parse(string)"/> alone would also take <c>10.1</c>,
/// hexadecimal and octal, and so two spellings of one address.</summary>
public static class Ipv4
{
    /// <summary>What is accepted, as the second half of a sentence.</summary>
    public const string Rule = "write an IPv4 address as four numbers from 0 to 255 without leading zeros, such as 10.117.0.5";

    /// <summary>Parses the one canonical spelling.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        return text is { Length: <= 15 } && IPAddress.TryParse(text, out address) && address.ToString() == text && !text.Contains(':');
    }

    /// <summary>The address as a number, most significant byte first.</summary>
    public static uint ToNumber(IPAddress address) => BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());

    /// <summary>The address of a number.</summary>
    public static IPAddress FromNumber(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes);
    }
}
