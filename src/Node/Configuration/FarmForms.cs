using System.Globalization;
using System.Net;
using Vni.Actors.Identity;
using static Vni.Cluster.Hosting.SettingForms;

namespace Vni.Node.Configuration;

/// <summary>Forms of the values that say where a node is in its farm; each throws <see cref="FormatException"/> saying what is accepted.</summary>
internal static class FarmForms
{
    private const int MaximumLabels = 64;

    internal static Uri Seed(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.PathAndQuery == "/" && uri.UserInfo.Length == 0 && uri.Fragment.Length == 0
            && (uri.IsDefaultPort is false || text.TrimEnd('/').EndsWith($":{uri.Port}", StringComparison.Ordinal))
            ? uri
            : throw Bad(text, "the address of a registry", "write http://HOST:PORT or https://HOST:PORT");

    internal static IPEndPoint EndPoint(string text) =>
        IPEndPoint.TryParse(text, out var endPoint) && endPoint.Port > 0 && endPoint.ToString() == text
            ? endPoint
            : throw Bad(text, "an address and port", "write ADDRESS:PORT, such as 192.0.2.5:7117, or 0.0.0.0:7117 for all addresses");

    internal static string HostAndPort(string text)
    {
        var colon = text.LastIndexOf(':');
        var isHost = colon > 0 && (IPEndPoint.TryParse(text, out _) || (colon <= 253 && text[..colon].Split('.').All(DnsLabel.IsValid)));
        return isHost && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
            ? text
            : throw Bad(text, "a host and port", "write HOST:PORT, such as node1.example:7117");
    }

    internal static bool Flag(string text) => text switch
    {
        "true" => true,
        "false" => false,
        _ => throw Bad(text, "a flag", "use true or false"),
    };

    internal static IReadOnlyDictionary<string, string> WithLabel(IReadOnlyDictionary<string, string> labels, string text)
    {
        var equals = text.IndexOf('=');
        if (equals <= 0 || !DnsLabel.IsValid(text[..equals]) || text.Length > 256 || text.Any(char.IsControl))
            throw Bad(text, "a label", $"write NAME=VALUE, at most 256 characters; of the name: {DnsLabel.Rule}");
        if (labels.ContainsKey(text[..equals])) throw Bad(text, "a new label", $"'{text[..equals]}' has a value already");
        if (labels.Count == MaximumLabels) throw Bad(text, "a label that there is room for", $"use at most {MaximumLabels}");
        return new Dictionary<string, string>(labels) { [text[..equals]] = text[(equals + 1)..] };
    }

    internal static (IPAddress First, IPAddress Last) Range(string text)
    {
        if (text.Split('-') is [var first, var last] && Ipv4.TryParse(first, out var from) && Ipv4.TryParse(last, out var to) && Ipv4.ToNumber(from) <= Ipv4.ToNumber(to))
            return (from, to);
        if (IPNetwork.TryParse(text, out var network) && network.ToString() == text && Ipv4.TryParse(network.BaseAddress.ToString(), out var start) && network.PrefixLength >= 8)
            return (start, Ipv4.FromNumber(Ipv4.ToNumber(start) | (uint)((1L << (32 - network.PrefixLength)) - 1)));
        throw Bad(text, "a range of addresses", "write FIRST-LAST or ADDRESS/BITS, such as 10.117.1.0-10.117.250.255");
    }
}
