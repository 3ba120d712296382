using System.Globalization;
using Vni.Actors.Applications;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Instances;

/// <summary>
/// What the harness writes down in <c>/.vni</c> of the instance, where the application could write too: it can only
/// deceive about itself, and what is not understood is left out.
/// </summary>
internal static class ChainRecords
{
    private const int SigKill = 9;

    /// <summary>
    /// How the processes of a chain ended, after the instance has, in the order of <paramref name="processes"/>. One that
    /// the harness did not see end was killed with the instance.
    /// </summary>
    public static IReadOnlyList<ProcessExit> ReadExits(InstancePaths paths, IReadOnlyList<ProcessDeclaration> processes)
    {
        var recorded = ParseExits(Read(paths, ".vni/exits"));
        return [.. processes.Select(p => recorded.GetValueOrDefault(p.Name) ?? new ProcessExit(p.Name, null, SigKill))];
    }

    /// <summary>Virtual pids of the processes that the harness started, by name.</summary>
    public static IReadOnlyDictionary<int, string> ReadPids(InstancePaths paths) => ParsePids(Read(paths, ".vni/pids"));

    /// <summary>Whether the harness has started the whole chain.</summary>
    public static bool HasStarted(InstancePaths paths)
    {
        if (!Directory.Exists(paths.Upper)) return false;
        using var layer = new RootedDirectory(paths.Upper);
        return layer.TryReadText(".vni/pids") is not null;
    }

    /// <summary>Lines <c>NAME exit CODE</c> and <c>NAME signal NUMBER</c>; the first of a name counts.</summary>
    internal static Dictionary<string, ProcessExit> ParseExits(string text)
    {
        var exits = new Dictionary<string, ProcessExit>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n'))
        {
            if (line.Split(' ') is not [var name, var how, var value]) continue;
            if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) continue;
            if (how == "exit" && number <= 255) exits.TryAdd(name, new ProcessExit(name, number, null));
            else if (how == "signal" && number is >= 1 and <= 64) exits.TryAdd(name, new ProcessExit(name, null, number));
        }

        return exits;
    }

    /// <summary>Lines <c>NAME PID</c>.</summary>
    internal static Dictionary<int, string> ParsePids(string text)
    {
        var pids = new Dictionary<int, string>();
        foreach (var line in text.Split('\n'))
        {
            if (line.Split(' ') is [var name, var value] && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var pid)) pids.TryAdd(pid, name);
        }

        return pids;
    }

    private static string Read(InstancePaths paths, string file)
    {
        if (!Directory.Exists(paths.Upper)) return "";
        using var layer = new RootedDirectory(paths.Upper);
        return layer.TryReadText(file) ?? "";
    }
}
