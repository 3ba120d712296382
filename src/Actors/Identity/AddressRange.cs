using System.Net;

namespace Vni.Actors.Identity;

/// <summary>The addresses that instances may have: a subnet, or a part of it, less the subnet's network address, its broadcast
/// address and the bridge's own [D2]. What is left out of the part belongs to nodes and others on the same network.</summary>
public sealed class AddressRange
{
    private readonly uint _first;
    private readonly uint _last;
    private readonly uint? _gateway;
    private readonly uint _lowest;
    private readonly uint _highest;

    /// <param name="subnet">First address of the subnet.</param>
    /// <param name="prefixLength">Bits of its network part, 8 to 30.</param>
    /// <param name="gateway">The node's own address on the bridge; <c>null</c>: none.</param>
    /// <param name="part">First and last address that instances may have; <c>null</c>: the whole subnet.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: not such a subnet or part.</exception>
    public AddressRange(IPAddress subnet, int prefixLength, IPAddress? gateway, (IPAddress First, IPAddress Last)? part = null)
    {
        var mask = prefixLength is >= 8 and <= 30 ? uint.MaxValue << (32 - prefixLength) : 0;
        if (subnet.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork || mask == 0 || (Ipv4.ToNumber(subnet) & ~mask) != 0)
        {
            throw new VniException(ErrorCodes.InvalidArgument,
                $"address range {subnet}/{prefixLength} is not valid: give the first address of an IPv4 subnet and 8 to 30 bits");
        }

        _first = Ipv4.ToNumber(subnet);
        _last = _first | ~mask;
        _gateway = gateway is null ? null : Ipv4.ToNumber(gateway);
        PrefixLength = prefixLength;
        if (_gateway <= _first || _gateway >= _last)
            throw new VniException(ErrorCodes.InvalidArgument, $"gateway {gateway} is not an address of the range {this}");
        (_lowest, _highest) = (_first + 1, _last - 1);
        if (part is not var (first, last)) return;
        if (Ipv4.ToNumber(first) < _first || Ipv4.ToNumber(last) > _last || Ipv4.ToNumber(first) > Ipv4.ToNumber(last))
            throw new VniException(ErrorCodes.InvalidArgument, $"{first}-{last} is not a part of the range {this}: give its first and its last address");
        (_lowest, _highest) = (Math.Max(Ipv4.ToNumber(first), _lowest), Math.Min(Ipv4.ToNumber(last), _highest));
    }

    /// <summary>Bits of the network part.</summary>
    public int PrefixLength { get; }

    /// <summary>Number of addresses that instances may have.</summary>
    public long Count => _highest - _lowest + 1L - (_gateway >= _lowest && _gateway <= _highest ? 1 : 0);

    /// <summary>Whether an instance may have this address.</summary>
    public bool Contains(IPAddress address) => WhyNot(address) is null;

    /// <summary>Why an instance may not have this address, as the end of a sentence; <c>null</c>: it may.</summary>
    public string? WhyNot(IPAddress address)
    {
        var number = Ipv4.ToNumber(address);
        return number < _first || number > _last ? $"it is outside of the range {this}"
            : number == _first ? $"it is the network address of the range {this}"
            : number == _last ? $"it is the broadcast address of the range {this}"
            : number == _gateway ? "it is the node's own address on the bridge"
            : number < _lowest || number > _highest ? $"applications get {Ipv4.FromNumber(_lowest)} to {Ipv4.FromNumber(_highest)} of the range {this}, and the rest belongs to others"
            : null;
    }

    /// <summary>How far an address of the subnet is from the subnet's first one.</summary>
    public uint NumberOf(IPAddress address) => Ipv4.ToNumber(address) - _first;

    /// <summary>The usable address of a number, from 0 to <see cref="Count"/> less one.</summary>
    public IPAddress At(long number)
    {
        var address = _lowest + number;
        return Ipv4.FromNumber((uint)(address >= _gateway && _gateway >= _lowest ? address + 1 : address));
    }

    /// <summary>Every usable address once, in order from the one at or after <paramref name="cursor"/>, and around the end.</summary>
    public IEnumerable<IPAddress> From(IPAddress? cursor)
    {
        var start = cursor is not null && Contains(Ipv4.ToNumber(cursor)) ? Ipv4.ToNumber(cursor) : _lowest;
        for (var number = start; number <= _highest; number++)
        {
            if (number != _gateway) yield return Ipv4.FromNumber(number);
        }

        for (var number = _lowest; number < start; number++)
        {
            if (number != _gateway) yield return Ipv4.FromNumber(number);
        }
    }

    private bool Contains(uint number) => number >= _lowest && number <= _highest;

    /// <summary>The subnet, as <c>10.117.0.0/16</c>.</summary>
    public override string ToString() => $"{Ipv4.FromNumber(_first)}/{PrefixLength}";
}
