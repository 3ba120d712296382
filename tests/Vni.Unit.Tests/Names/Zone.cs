using System.Net;
using Vni.Actors.Names;

namespace Vni.Unit.Tests.Names;

/// <summary>A small zone, and questions as people write them.</summary>
internal static class Zone
{
    public static ZoneSettings Settings { get; } = new()
    {
        Domain = "lab.example",
        Subnets = [IPNetwork.Parse("10.117.0.0/16"), IPNetwork.Parse("10.64.0.0/12"), IPNetwork.Parse("192.0.2.128/26"), IPNetwork.Parse("fd00:117::/64"), IPNetwork.Parse("fd00:200::/42")],
        Servers = [IPAddress.Parse("10.117.0.2")],
    };

    public static ZoneTable Table { get; } = ZoneTable.Empty.With(41,
    [
        new("shop", Instance("shop", "10.117.0.5")),
        new("dual", Instance("dual", "10.117.1.6", "fd00:117::6")),
        new("odd", Instance("odd", "192.0.2.130", "fd00:200:0:8000::1")),
        new("wide", Instance("wide", "10.79.255.1")),
    ]);

    public static NamedInstance Instance(string hostname, string ip, string? ip6 = null) => new(hostname, IPAddress.Parse(ip), ip6 is null ? null : IPAddress.Parse(ip6));

    public static NameQuestion Question(string name, int type) => new(name.Length == 0 ? [] : name.Split('.'), type);

    /// <summary>The answer as a line: status, then records.</summary>
    public static string Ask(string name, int type, ZoneTable? table = null) => Text(new ZoneAnswers(Settings).Answer(table ?? Table, Question(name, type)));

    public static string Text(NameAnswer answer)
    {
        var records = answer.Answers.Concat(answer.Authority is { } start ? [start] : []).Concat(answer.Additional ?? []);
        return string.Join("; ", records.Select(Text).Prepend(answer.Status.ToString()));
    }

    private static string Text(NameRecord record) => string.Join('.', record.Owner) + record switch
    {
        NameRecord.Address address => $" {address.Ip}",
        NameRecord.Pointer pointer => $" -> {string.Join('.', pointer.Target)}",
        NameRecord.Server server => $" ns {string.Join('.', server.Target)}",
        NameRecord.ZoneStart start => $" soa {string.Join('.', start.PrimaryServer)} {start.Serial}",
        _ => " minimal",
    };
}
