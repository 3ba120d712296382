using System.Net;
using System.Net.Sockets;

namespace Vni.Actors.Identity;

/// <summary>The IPv6 addresses that instances may have: a subnet, or a part of it, less the subnet's first address (its routers' anycast
/// address, RFC 4291, section 2.6.1) and the bridge's own.</summary>
public sealed class AddressRange6
{
    /// <summary>Fewest and most bits of the network part.</summary>
    public const int ShortestPrefix = 64, LongestPrefix = 112;

    private readonly UInt128 _first;
    private readonly UInt128 _last;
    private readonly UInt128? _gateway;
    private readonly UInt128 _lowest;
    private readonly UInt128 _highest;

    /// <param name="subnet">First address of the subnet.</param>
    /// <param name="prefixLength">Bits of its network part, 64 to 112.</param>
    /// <param name="gateway">The node's own address on the bridge; <c>null</c>: none.</param>
    /// <param name="part">First and last address that instances may have; <c>null</c>: the whole subnet.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: not such a subnet, gateway or part.</exception>
    public AddressRange6(IPAddress subnet, int prefixLength, IPAddress? gateway, (IPAddress First, IPAddress Last)? part = null)
    {
        var mask = prefixLength is >= ShortestPrefix and <= LongestPrefix ? UInt128.MaxValue << (128 - prefixLength) : 0;
        if (subnet.AddressFamily != AddressFamily.InterNetworkV6 || mask == 0 || !Ipv6.IsUnicast(subnet) || (Ipv6.ToNumber(subnet) & ~mask) != 0)
        {
            throw new VniException(ErrorCodes.InvalidArgument,
                $"address range {subnet}/{prefixLength} is not valid: give the first address of a global or unique local IPv6 subnet and {ShortestPrefix} to {LongestPrefix} bits");
        }

        PrefixLength = prefixLength;
        (_first, _last) = (Ipv6.ToNumber(subnet), Ipv6.ToNumber(subnet) | ~mask);
        _gateway = gateway is null ? null : Ipv6.ToNumber(gateway);
        if (_gateway <= _first || _gateway > _last) throw new VniException(ErrorCodes.InvalidArgument, $"gateway {gateway} is not an address of the range {this}");
        (_lowest, _highest) = part is var (first, last) ? (Ipv6.ToNumber(first), Ipv6.ToNumber(last)) : (_first, _last);
        if (_lowest < _first || _highest > _last || _lowest > _highest)
            throw new VniException(ErrorCodes.InvalidArgument, $"{part?.First}-{part?.Last} is not a part of the range {this}: give its first and its last address");
    }

    /// <summary>Bits of the network part.</summary>
    public int PrefixLength { get; }

    /// <summary>Whether every address of an IPv4 subnet has a counterpart.</summary>
    /// <param name="prefixLength">Bits of that subnet's network part.</param>
    public bool Covers(int prefixLength) => _highest - _lowest >= (UInt128.One << (32 - prefixLength)) - 1;

    /// <summary>The address that goes with an IPv4 one, which is the only one that it goes with: as far from the beginning of this range
    /// as that is from the beginning of its subnet. 10.117.0.5 of 10.117.0.0/16 gets fd00:117::5 of fd00:117::/64.</summary>
    public IPAddress Counterpart(IPAddress address, AddressRange range) => Ipv6.FromNumber(_lowest + range.NumberOf(address));

    /// <summary>Why an instance may not have this address, as the end of a sentence; <c>null</c>: it may.</summary>
    public string? WhyNot(IPAddress address)
    {
        var number = Ipv6.ToNumber(address);
        return number < _first || number > _last ? $"it is outside of the range {this}"
            : number == _first ? $"it is the address of all routers of the range {this}"
            : number == _gateway ? "it is the node's own address on the bridge"
            : number < _lowest || number > _highest ? $"applications get {Ipv6.FromNumber(_lowest)} to {Ipv6.FromNumber(_highest)} of the range {this}, and the rest belongs to others"
            : null;
    }

    /// <summary>The subnet, as <c>fd00:117::/64</c>.</summary>
    public override string ToString() => $"{Ipv6.FromNumber(_first)}/{PrefixLength}";
}
