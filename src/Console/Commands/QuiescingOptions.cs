using System.CommandLine;
using Vni.Cli.CommandLine;

namespace Vni.Cli.Commands;

/// <summary>What can be said about making an application quiet before it is saved.</summary>
internal static class QuiescingOptions
{
    public static Option<double?> Wait() => FormedOptions.Duration("--wait", "How long a moment in which it cannot be saved is waited for [default: as vnid is configured, 5s]");

    public static Option<bool> CloseVisitors() => new("--close-visitors") { Description = "End programs of 'vni exec' in it [default: they are a refusal]" };
}
