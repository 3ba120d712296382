using System.Net;
using System.Net.Sockets;
using Vni.Actors.Names;
using Vni.Cluster.Hosting;
using static Vni.Cluster.Hosting.SettingForms;

namespace Vni.Cluster.Names;

/// <summary>The section <c>dns</c>, which several programs have, and the forms of its values.</summary>
internal static class NameServerSettings
{
    /// <summary>What a resolver looks at (resolv.conf(5), MAXNS).</summary>
    private const int MostResolvers = 3;

    /// <summary>Adds the section to a program's settings.</summary>
    /// <param name="settings">The program's others.</param>
    /// <param name="get">The section of a program's options.</param>
    /// <param name="set">The options with another section.</param>
    internal static IReadOnlyDictionary<string, Setting<TOptions>> WithNameServer<TOptions>(
        this Dictionary<string, Setting<TOptions>> settings, Func<TOptions, NameServerOptions> get, Func<TOptions, NameServerOptions, TOptions> set)
    {
        settings["dns.listen"] = Many((o, v) => o with { Listen = v is "none" ? [] : [.. o.Listen ?? [], Listen(v)] });
        settings["dns.domain"] = One((o, v) => o with { Domain = DomainText.IsValid(v) ? v : throw Bad(v, "a domain", DomainText.Rule) });
        settings["dns.ttl"] = One((o, v) => o with { TimeToLive = Seconds(v, 1, 3600) });
        settings["dns.forward"] = Many((o, v) => o with { Forward = [.. o.Forward, Server(v)] });
        settings["dns.clients"] = Many((o, v) => o with { Clients = [.. o.Clients, Network(v)] });
        return settings;

        Setting<TOptions> One(Func<NameServerOptions, string, NameServerOptions> apply) => Setting<TOptions>.One((o, v) => set(o, apply(get(o), v)));
        Setting<TOptions> Many(Func<NameServerOptions, string, NameServerOptions> apply) => Setting<TOptions>.Many((o, v) => set(o, apply(get(o), v)));
    }

    /// <summary>What is wrong with the section as a whole, as the rest of a sentence; <c>null</c>: nothing.</summary>
    /// <param name="options">The section.</param>
    /// <param name="endPoints">Where the server listens.</param>
    internal static string? ProblemOf(NameServerOptions options, IReadOnlyList<IPEndPoint> endPoints) => options.Forward.FirstOrDefault(endPoints.Contains) is { } self
        ? $"dns.forward: {self} is this server itself, which would ask itself for ever: name another one"
        : null;

    /// <summary>A subnet, IPv4 or IPv6.</summary>
    internal static IPNetwork Network(string text) => IPNetwork.TryParse(text, out var network) && network.ToString() == text
        ? network
        : throw Bad(text, "a subnet", "write ADDRESS/BITS with zeros in the host part, such as 10.117.0.0/16 or fd00:117::/64");

    /// <summary>The address of a name server, for a resolv.conf, which has no ports.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="before">Those that there are already.</param>
    internal static IPAddress Resolver(string text, IReadOnlyList<IPAddress>? before)
    {
        if (before?.Count >= MostResolvers) throw Bad(text, "a name server that is asked", $"programs look at the first {MostResolvers} alone");
        return IPAddress.TryParse(text, out var address) && IsCanonical(address, text) && !IPAddress.IsLoopback(address)
            ? address
            : throw Bad(text, "the address of a name server", "write an address that instances reach, without a port, such as 10.117.0.2; loopback is their own");
    }

    private static IPEndPoint Listen(string text)
    {
        var endPoint = Server(text);
        return endPoint.Address.Equals(IPAddress.Any) || endPoint.Address.Equals(IPAddress.IPv6Any)
            ? throw Bad(text, "an address to answer names at", "name each address of this machine by itself: whoever asks one of them takes an answer from that one alone")
            : endPoint;
    }

    private static IPEndPoint Server(string text)
    {
        if (IPAddress.TryParse(text, out var address) && IsCanonical(address, text)) return new IPEndPoint(address, NameServerOptions.Port);
        return IPEndPoint.TryParse(text, out var endPoint) && endPoint.Port > 0 && endPoint.ToString() == text
            ? endPoint
            : throw Bad(text, "the address of a name server", "write ADDRESS or ADDRESS:PORT, such as 10.117.0.1 or [fd00::1]:5353");
    }

    /// <summary>IPv4 addresses have other spellings, which are more often mistakes than meant; of IPv6 addresses in brackets a port would be left out.</summary>
    private static bool IsCanonical(IPAddress address, string text) => address.AddressFamily is AddressFamily.InterNetwork ? address.ToString() == text : !text.Contains('[');
}
