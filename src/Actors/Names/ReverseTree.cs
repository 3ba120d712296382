using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Vni.Actors.Names;

/// <summary>
/// One of the two trees in which addresses are names: <c>5.0.117.10.in-addr.arpa</c> (RFC 1035, section 3.5), and
/// <c>ip6.arpa</c> with a label for each half byte (RFC 3596, section 2.5). A subnet's zones begin at the first label boundary
/// at or below it: a /16 is one zone, a /20 is sixteen.
/// </summary>
internal sealed class ReverseTree
{
    private readonly string _suffix;
    private readonly int _bits;
    private readonly int _bytes;

    private ReverseTree(string suffix, int bitsOfLabel, int bytesOfAddress) => (_suffix, _bits, _bytes) = (suffix, bitsOfLabel, bytesOfAddress);

    private static ReverseTree V4 { get; } = new("in-addr", 8, 4);

    private static ReverseTree V6 { get; } = new("ip6", 4, 16);

    /// <summary>The tree that a name is in; <c>null</c>: none.</summary>
    public static ReverseTree? Of(IReadOnlyList<string> labels) =>
        labels.Count >= 2 && Same(labels[^1], "arpa") ? Same(labels[^2], V4._suffix) ? V4 : Same(labels[^2], V6._suffix) ? V6 : null : null;

    /// <summary>Where a name is in the zones of a subnet; <c>null</c>: in none of them.</summary>
    public ReversePlace? Locate(IReadOnlyList<string> labels, IPNetwork subnet)
    {
        if (subnet.BaseAddress.AddressFamily != (this == V4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6)) return null;
        var (given, whole, apex) = (labels.Count - 2, _bytes * 8 / _bits, Math.Max(1, (subnet.PrefixLength + _bits - 1) / _bits));
        if (given < apex) return null;
        Span<byte> bytes = stackalloc byte[_bytes];
        bytes.Clear();
        var known = 0;
        for (; known < Math.Min(given, whole) && Value(labels[given - 1 - known]) is { } value; known++)
        {
            bytes[known * _bits / 8] |= (byte)(_bits == 8 || known % 2 == 1 ? value : value << 4);
        }

        // What is wrong below the apex is a name that does not exist; above it, it belongs to somebody else.
        var address = new IPAddress(bytes);
        if (known < apex || !subnet.Contains(address)) return null;
        return new ReversePlace([.. labels.Skip(given - apex)], given == apex, known == given, given == whole && known == whole ? address : null);
    }

    private int? Value(string label)
    {
        if (_bits == 4) return label.Length == 1 && char.IsAsciiHexDigit(label[0]) ? Convert.ToInt32(label, 16) : null;
        return label.Length is >= 1 and <= 3 && label.All(char.IsAsciiDigit) && (label.Length == 1 || label[0] != '0')
            && int.Parse(label, CultureInfo.InvariantCulture) is <= 255 and var value ? value : null;
    }

    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);
}

/// <param name="Apex">Labels of the zone.</param>
/// <param name="IsApex">Whether the name is the zone's own.</param>
/// <param name="Exists">Whether all labels are parts of an address, and not more than it has.</param>
/// <param name="Address">The address, if the name is that of a whole one.</param>
internal sealed record ReversePlace(IReadOnlyList<string> Apex, bool IsApex, bool Exists, IPAddress? Address);
