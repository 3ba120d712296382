using System.CommandLine;
using Vni.Cluster.Hosting;

namespace Vni.Node.Configuration;

/// <summary>What the command line says.</summary>
/// <param name="File">The configuration file that was named; <c>null</c>: none.</param>
/// <param name="Values">Settings that override the file's.</param>
internal sealed record CommandLine(string? File, IReadOnlyList<SettingValue> Values)
{
    /// <summary>Exit status of a command line that is not understood, as for <c>vni</c>.</summary>
    internal const int UsageStatus = 2;

    private static readonly (string Option, string Key, string Value, string Help)[] Overrides =
    [
        ("--state", "state", "DIR", "Directory for registry, layers and snapshots"),
        ("--runtime", "runtime", "DIR", "Directory for what does not outlive the machine's run"),
        ("--socket", "socket", "PATH", "Unix socket that the API is served on"),
        ("--node", "node", "NAME", "Name of this node"),
        ("--listen", "listen", "ADDRESS:PORT", "Where other nodes and operators are answered"),
        ("--advertise", "advertise", "HOST:PORT", "Where other nodes reach this one"),
        ("--bridge", "network.bridge", "NAME", "Bridge of the instances' ports; created if there is none"),
        ("--subnet", "network.subnet", "CIDR", "Range of the virtual addresses"),
        ("--uplink", "network.uplink", "NAME", "Interface that joins the bridge to those of other nodes"),
        ("--gateway", "network.gateway", "IP|none", "This node's address on the bridge"),
    ];

    /// <summary>Parses the arguments. <c>null</c> when nothing is left to do (help, version, a usage error): then
    /// <paramref name="status"/> is the exit status.</summary>
    internal static CommandLine? Parse(string[] arguments, TextWriter output, TextWriter error, out int status)
    {
        var file = new Option<string>("--config") { HelpName = "FILE", Description = $"Configuration file [default: {NodeOptionsLoader.DefaultFile}, if it exists]" };
        var overrides = Overrides.Select(o => new Option<string>(o.Option) { HelpName = o.Value, Description = o.Help }).ToArray();
        CommandLine? parsed = null;
        var command = new RootCommand("The VniAkka node daemon: runs applications under their own network identity.") { file };
        foreach (var option in overrides) command.Add(option);
        command.SetAction(result => parsed = new CommandLine(
            result.GetValue(file),
            [.. overrides.Select((o, i) => (Value: result.GetValue(o), Entry: Overrides[i]))
                .Where(o => o.Value is not null)
                .Select(o => new SettingValue(o.Entry.Key, o.Value!, o.Entry.Option))]));

        var result = command.Parse(arguments);
        if (result.Errors.Count > 0)
        {
            error.WriteLine($"vnid: {string.Join(' ', result.Errors.Select(e => e.Message))} (try 'vnid --help')");
            status = UsageStatus;
            return null;
        }

        status = result.Invoke(new InvocationConfiguration { Output = output, Error = error, ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
        return parsed;
    }
}
