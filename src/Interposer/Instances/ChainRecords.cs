using System.Globalization;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Instances;

/// <summary>
/// What the harness writes down in <c>/.vni</c> of the instance, where the application could write too: it can only
/// deceive about itself, and what is not understood is left out.
/// </summary>
internal static class ChainRecords
{
    private const int SigKill = 9;

    /// <summary><c>MAX_MEMBERS</c> of <c>native/chain.h</c>.</summary>
    private const int MaxMembers = 128;

    private static readonly string[] States = ["pending", "starting", "running", ChainMember.Waiting, "stopping", ChainMember.Ended];

    /// <summary>
    /// How the programs of a chain ended, after the instance has: those declared, in the order of <paramref name="processes"/>, then
    /// those that joined. One that the harness did not see end, or that waited for its restart, ended with the instance.
    /// </summary>
    public static IReadOnlyList<ProcessExit> ReadExits(InstancePaths paths, IReadOnlyList<ProcessDeclaration> processes) =>
        Exits(ParseExits(Read(paths, ".vni/exits")), ParseMembers(Read(paths, ".vni/chain")), [.. processes.Select(p => p.Name)]);

    /// <summary>The programs that the harness knows, in its order. A harness of old wrote down none but pids and exits.</summary>
    public static IReadOnlyList<ChainMember> ReadChain(InstancePaths paths)
    {
        var pids = ReadPids(paths);
        var exits = ParseExits(Read(paths, ".vni/exits"));
        var members = ParseMembers(Read(paths, ".vni/chain"));
        if (members.Count == 0) members = [.. pids.Values.Distinct(StringComparer.Ordinal).Select(name => (name, exits.ContainsKey(name) ? ChainMember.Ended : "running", 0L))];
        return [.. members.Select(member => new ChainMember(
            member.Name,
            member.State,
            member.State == ChainMember.Ended ? null : pids.Where(pid => pid.Value == member.Name).Select(pid => (int?)pid.Key).FirstOrDefault(),
            member.Restarts,
            exits.GetValueOrDefault(member.Name)))];
    }

    /// <summary>Virtual pids of the programs that the harness started, by name.</summary>
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

    /// <summary>Lines <c>NAME STATE RESTARTS</c>, at most as many as a harness has.</summary>
    internal static IReadOnlyList<(string Name, string State, long Restarts)> ParseMembers(string text)
    {
        var members = new List<(string, string, long)>();
        foreach (var line in text.Split('\n'))
        {
            if (members.Count == MaxMembers) break;
            if (line.Split(' ') is not [var name, var state, var restarts] || !DnsLabel.IsValid(name) || !States.Contains(state)) continue;
            if (long.TryParse(restarts, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) members.Add((name, state, number));
        }

        return members;
    }

    /// <summary>What the records say of each, where they say so.</summary>
    internal static IReadOnlyList<ProcessExit> Exits(
        Dictionary<string, ProcessExit> recorded, IReadOnlyList<(string Name, string State, long Restarts)> members, IReadOnlyList<string> declared)
    {
        foreach (var (name, state, _) in members)
        {
            if (state != ChainMember.Ended) recorded.Remove(name);
        }

        return [.. declared.Concat(members.Select(member => member.Name)).Distinct(StringComparer.Ordinal).Select(name => recorded.GetValueOrDefault(name) ?? new ProcessExit(name, null, SigKill))];
    }

    private static string Read(InstancePaths paths, string file)
    {
        if (!Directory.Exists(paths.Upper)) return "";
        using var layer = new RootedDirectory(paths.Upper);
        return layer.TryReadText(file) ?? "";
    }
}
