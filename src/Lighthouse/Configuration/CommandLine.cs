using System.CommandLine;
using Vni.Cluster.Hosting;

namespace Vni.Lighthouse.Configuration;

/// <summary>What the command line says.</summary>
/// <param name="File">The configuration file that was named; <c>null</c>: none.</param>
/// <param name="Values">Settings that override the file's.</param>
internal sealed record CommandLine(string? File, IReadOnlyList<SettingValue> Values)
{
    /// <summary>Exit status of a command line that is not understood, as for <c>vni</c>.</summary>
    internal const int UsageStatus = 2;

    private static readonly (string Option, string Key, string Value, string Help)[] Overrides =
    [
        ("--state", "state", "DIR", "Directory for the registry"),
        ("--listen", "listen", "ADDRESS:PORT", $"Where to listen [default: {LighthouseOptions.DefaultEndpoint}]"),
        ("--certificate", "tls.certificate", "FILE", "Lighthouse's certificate (PEM)"),
        ("--key", "tls.key", "FILE", "Its private key (PEM)"),
        ("--authority", "tls.authority", "FILE", "The farm's authority (PEM)"),
        ("--insecure", "insecure", "true|false", "Listen to other machines without certificates"),
    ];

    /// <summary>Parses the arguments. <c>null</c> when nothing is left to do (help, version, a usage error): then
    /// <paramref name="status"/> is the exit status.</summary>
    internal static CommandLine? Parse(string[] arguments, TextWriter output, TextWriter error, out int status)
    {
        var file = new Option<string>("--config") { HelpName = "FILE", Description = $"Configuration file [default: {LighthouseSettings.DefaultFile}, if it exists]" };
        var overrides = Overrides.Select(o => new Option<string[]>(o.Option) { HelpName = o.Value, Description = o.Help, Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false }).ToArray();
        CommandLine? parsed = null;
        var command = new RootCommand("Lighthouse, the seed of a farm: serves the farm's registry in etcd's v3 JSON API.") { file };
        foreach (var option in overrides) command.Add(option);
        command.SetAction(result => parsed = new CommandLine(
            result.GetValue(file),
            [.. overrides.SelectMany((o, i) => (result.GetValue(o) ?? []).Select(text => new SettingValue(Overrides[i].Key, text, Overrides[i].Option)))]));

        var result = command.Parse(arguments);
        if (result.Errors.Count > 0)
        {
            error.WriteLine($"lighthouse: {string.Join(' ', result.Errors.Select(e => e.Message))} (try 'lighthouse --help')");
            status = UsageStatus;
            return null;
        }

        status = result.Invoke(new InvocationConfiguration { Output = output, Error = error, ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
        return parsed;
    }
}
