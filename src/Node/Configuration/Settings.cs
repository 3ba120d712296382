using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Vni.Actors.Identity;
using Vni.Interposer;

namespace Vni.Node.Configuration;

/// <summary>One value that somebody wrote.</summary>
/// <param name="Key">The setting, sections joined by a dot: <c>network.subnet</c>.</param>
/// <param name="Text">What was written.</param>
/// <param name="Where">Where: <c>FILE:LINE:COLUMN</c>, or the option of the command line.</param>
internal sealed record SettingValue(string Key, string Text, string Where);

/// <summary>A setting: whether it takes a list, and what a value of it does to the options.</summary>
/// <param name="IsList">Whether it takes any number of values.</param>
/// <param name="Apply">Returns the changed options, or throws <see cref="FormatException"/> saying what is accepted.</param>
internal sealed record Setting(bool IsList, Func<NodeOptions, string, NodeOptions> Apply);

/// <summary>All settings by key. The file and the command line are two ways to the same table.</summary>
internal static class Settings
{
    internal static readonly IReadOnlyDictionary<string, Setting> All = new Dictionary<string, Setting>(StringComparer.Ordinal)
    {
        ["node"] = One((o, v) => o with { Node = Label(v) }),
        ["farm"] = One((o, v) => o with { Farm = Label(v) }),
        ["state"] = One((o, v) => o with { State = AbsolutePath(v) }),
        ["runtime"] = One((o, v) => o with { Runtime = AbsolutePath(v) }),
        ["socket"] = One((o, v) => o with { Socket = AbsolutePath(v) }),
        ["socketGroup"] = One((o, v) => o with { SocketGroup = Group(v) }),
        ["network.bridge"] = One((o, v) => o with { Network = o.Network with { Bridge = Interface(v) } }),
        ["network.subnet"] = One((o, v) => o with { Network = o.Network with { Subnet = Subnet(v) } }),
        ["network.gateway"] = One((o, v) => o with { Network = o.Network with { Gateway = Gateway(v) } }),
        ["harness"] = One((o, v) => o with { Harness = AbsolutePath(v) }),
        ["criu"] = One((o, v) => o with { Criu = AbsolutePath(v) }),
        ["masks.add"] = Many((o, v) => o with { Masks = o.Masks with { Add = [.. o.Masks.Add, Mask(v)] } }),
        ["masks.remove"] = Many((o, v) => o with { Masks = o.Masks with { Remove = [.. o.Masks.Remove, BuiltInMask(v)] } }),
        ["snapshots.keep"] = One((o, v) => o with { Snapshots = o.Snapshots with { Keep = Whole(v, 1, 1000) } }),
        ["log.level"] = One((o, v) => o with { Log = o.Log with { Level = Level(v) } }),
        ["log.format"] = One((o, v) => o with { Log = o.Log with { Format = Format(v) } }),
    };

    /// <summary>The paths that are hidden from every instance unless the configuration says otherwise.</summary>
    internal static IReadOnlyList<string> BuiltInMasks { get; } = new InterposerOptions
    {
        Node = "",
        StateDirectory = "",
        RuntimeDirectory = "",
        HarnessPath = "",
        CriuPath = "",
        Network = new NetworkOptions { Subnet = IPAddress.Any, PrefixLength = 8 },
    }.Masks;

    /// <summary>Keys and sections directly below a section (<c>""</c>: the top), as they are written there.</summary>
    internal static IReadOnlyList<string> Below(string section)
    {
        var prefix = section.Length == 0 ? "" : section + ".";
        return [.. All.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Select(k => k[prefix.Length..].Split('.')[0]).Distinct()];
    }

    private static Setting One(Func<NodeOptions, string, NodeOptions> apply) => new(IsList: false, apply);

    private static Setting Many(Func<NodeOptions, string, NodeOptions> apply) => new(IsList: true, apply);

    private static string Label(string text) => DnsLabel.IsValid(text) ? text : throw Bad(text, "a name", DnsLabel.Rule);

    private static string AbsolutePath(string text) =>
        text.StartsWith('/') && !text.Any(char.IsControl) && !text.Split('/').Contains("..")
            ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(text))
            : throw Bad(text, "an absolute path", "begin with '/' and do not use '..'");

    private static string Group(string text) =>
        text.Length is >= 1 and <= 32 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.') && text[0] is not '-'
            ? text
            : throw Bad(text, "the name of a group", "use 1 to 32 letters, digits, '_', '-' and '.'");

    private static string Interface(string text) =>
        text.Length is >= 1 and <= 15 && text is not "." and not ".." && text.All(c => c is > ' ' and <= '~' and not '/' and not ':')
            ? text
            : throw Bad(text, "the name of a network interface", "use 1 to 15 characters, no blank, '/' or ':'");

    private static IPNetwork Subnet(string text) =>
        IPNetwork.TryParse(text, out var network) && network.BaseAddress.AddressFamily is AddressFamily.InterNetwork && network.PrefixLength is >= 8 and <= 30
        && network.ToString() == text // Host bits are cut off silently otherwise.
            ? network
            : throw Bad(text, "an IPv4 subnet", "write ADDRESS/BITS with 8 to 30 bits and zeros in the host part, such as 10.117.0.0/16");

    private static IPAddress? Gateway(string text) => text is "none"
        ? null
        : text.Count(c => c == '.') == 3 && IPAddress.TryParse(text, out var address) && address.AddressFamily is AddressFamily.InterNetwork
            ? address
            : throw Bad(text, "an IPv4 address", "write four numbers joined by dots, or 'none'");

    private static string Mask(string text)
    {
        var path = AbsolutePath(text);
        return path.Length > 1 && !Path.GetDirectoryName(path)!.Contains('*')
            ? path
            : throw Bad(text, "a path that can be hidden", "it is not '/', and only its last segment may hold '*'");
    }

    private static string BuiltInMask(string text) => BuiltInMasks.Contains(text)
        ? text
        : throw Bad(text, "a path of the built-in list", $"that list is {string.Join(", ", BuiltInMasks)}");

    private static int Whole(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw Bad(text, "a whole number in range", $"use {least} to {most}");

    private static LogLevel Level(string text) => text switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "information" => LogLevel.Information,
        "warning" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => throw Bad(text, "a level", "use trace, debug, information, warning or error"),
    };

    private static LogFormat Format(string text) => text switch
    {
        "text" => LogFormat.Text,
        "json" => LogFormat.Json,
        _ => throw Bad(text, "a format", "use text or json"),
    };

    private static FormatException Bad(string text, string what, string rule) => new($"{DnsLabel.Quote(text)} is not {what}: {rule}");
}
