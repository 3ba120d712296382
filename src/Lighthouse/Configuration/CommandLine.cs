using Vni.Cluster.Hosting;

namespace Vni.Lighthouse.Configuration;

/// <summary>The daemon's options.</summary>
internal static class CommandLine
{
    private static readonly (string Option, string Key, string Value, string Help)[] Overrides =
    [
        ("--state", "state", "DIR", "Directory for the registry"),
        ("--listen", "listen", "ADDRESS:PORT", $"Where to listen [default: {LighthouseOptions.DefaultEndpoint}]"),
        ("--certificate", "tls.certificate", "FILE", "Lighthouse's certificate (PEM)"),
        ("--key", "tls.key", "FILE", "Its private key (PEM)"),
        ("--authority", "tls.authority", "FILE", "The farm's authority (PEM)"),
        ("--insecure", "insecure", "true|false", "Listen to other machines without certificates"),
    ];

    /// <inheritdoc cref="DaemonCommandLine.Parse" />
    internal static DaemonCommandLine? Parse(string[] arguments, TextWriter output, TextWriter error, out int status) => DaemonCommandLine.Parse(
        "lighthouse", "Lighthouse, the seed of a farm: serves the farm's registry in etcd's v3 JSON API.", LighthouseSettings.DefaultFile, Overrides, arguments, output, error, out status);
}
