using System.CommandLine;

namespace Vni.Cluster.Hosting;

/// <summary>What a daemon's command line says.</summary>
/// <param name="File">The configuration file that was named; <c>null</c>: none.</param>
/// <param name="Values">Settings that override the file's.</param>
internal sealed record DaemonCommandLine(string? File, IReadOnlyList<SettingValue> Values)
{
    /// <summary>Exit status of a command line that is not understood, as for <c>vni</c>.</summary>
    internal const int UsageStatus = 2;

    /// <summary>Parses the arguments. <c>null</c> when nothing is left to do (help, version, a usage error): then
    /// <paramref name="status"/> is the exit status.</summary>
    /// <param name="name">The program's name.</param>
    /// <param name="description">What it is.</param>
    /// <param name="defaultFile">The configuration file that is read when none is named.</param>
    /// <param name="overrides">Options that set a key; one that is given several times gives the key several values.</param>
    /// <param name="arguments">The arguments.</param>
    /// <param name="output">For help and version.</param>
    /// <param name="error">For usage errors.</param>
    /// <param name="status">Exit status, when nothing is left to do.</param>
    internal static DaemonCommandLine? Parse(
        string name, string description, string defaultFile, IReadOnlyList<(string Option, string Key, string Value, string Help)> overrides,
        string[] arguments, TextWriter output, TextWriter error, out int status)
    {
        var file = new Option<string>("--config") { HelpName = "FILE", Description = $"Configuration file [default: {defaultFile}, if it exists]" };
        var options = overrides.Select(o => new Option<string[]>(o.Option) { HelpName = o.Value, Description = o.Help, Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false }).ToArray();
        DaemonCommandLine? parsed = null;
        var command = new RootCommand(description) { file };
        foreach (var option in options) command.Add(option);
        command.SetAction(result => parsed = new DaemonCommandLine(
            result.GetValue(file),
            [.. options.SelectMany((option, i) => (result.GetValue(option) ?? []).Select(text => new SettingValue(overrides[i].Key, text, overrides[i].Option)))]));

        var result = command.Parse(arguments);
        if (result.Errors.Count > 0)
        {
            error.WriteLine($"{name}: {string.Join(' ', result.Errors.Select(e => e.Message))} (try '{name} --help')");
            status = UsageStatus;
            return null;
        }

        status = result.Invoke(new InvocationConfiguration { Output = output, Error = error, ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
        return parsed;
    }
}
