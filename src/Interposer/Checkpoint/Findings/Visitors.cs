using System.Globalization;
using Vni.Actors.Interposition;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>
/// Who is in the cgroup of an instance's visitors. A visitor is a program of <c>vni exec</c> with all that descends from it, as long as
/// the harness that started it, outside, is above it. What such a program has left behind has been given to the instance's first
/// process: it is the instance's own.
/// </summary>
internal sealed class Visitors
{
    private const int CommandShown = 100, TicksPerSecond = 100; // USER_HZ, of every architecture that we run on.
    private readonly IProcReader _proc;
    private readonly List<(int Pid, ProcStatus Status)> _visiting = [];
    private readonly List<int> _leftBehind = [], _all = [];

    /// <param name="proc">What is known of processes.</param>
    /// <param name="init">The instance's first process.</param>
    /// <param name="pids">Members of the visitors' cgroup.</param>
    public Visitors(IProcReader proc, int init, IReadOnlyList<int> pids)
    {
        _proc = proc;
        if (pids.Count == 0) return; // As nearly always: nothing more is read.
        var statuses = new Dictionary<int, ProcStatus>();
        foreach (var pid in pids)
        {
            if (proc.Read(pid, "status") is { } text && new ProcStatus(text) is { State: not 'Z' } status) statuses[pid] = status;
        }

        var depth = proc.Read(init, "status") is { } first ? new ProcStatus(first).Depth : 0;
        foreach (var (pid, status) in statuses)
        {
            _all.Add(pid);
            if (status.Depth >= depth && IsBelow(init, status, statuses)) _leftBehind.Add(pid);
            else if (status.Depth >= depth) _visiting.Add((pid, status));
        }

        _visiting.Sort((a, b) => a.Status.VirtualPid.CompareTo(b.Status.VirtualPid));
    }

    /// <summary>Everyone, harnesses included, by pid of the node.</summary>
    public IReadOnlyList<int> All => _all;

    /// <summary>What visitors have left behind, by pid of the node.</summary>
    public IReadOnlyList<int> LeftBehind => _leftBehind;

    /// <summary>Whether somebody visits, or is about to.</summary>
    public bool Any => _all.Count > _leftBehind.Count;

    /// <summary>All visitors and their harnesses, by pid of the node.</summary>
    public IEnumerable<int> Visiting => _all.Except(_leftBehind);

    /// <summary>Each of them as what it will be when it has been ended.</summary>
    public IReadOnlyList<ClosedVisitor> Describe() => [.. _visiting.Select(v => new ClosedVisitor(v.Status.VirtualPid, v.Pid, CommandOf(v.Pid, v.Status)))];

    /// <param name="bootTime">Nanoseconds since the machine was started.</param>
    public IReadOnlyList<Finding> Find(long bootTime)
    {
        if (!Any) return [];
        if (_visiting.Count == 0) return [new Finding(null, null, null, FindingKinds.Visitor, "a visitor ('vni exec') is being started or is ending", "try again", Transient: true)];
        return [.. _visiting.Select(v => new Finding(
            v.Status.VirtualPid, v.Pid, v.Status.Name, FindingKinds.Visitor,
            $"is a visitor ('vni exec', node's pid {v.Pid}{Age(v.Pid, bootTime)}): '{CommandOf(v.Pid, v.Status)}'",
            "end it, or have visitors ended with --close-visitors"))];
    }

    private static bool IsBelow(int init, ProcStatus status, Dictionary<int, ProcStatus> statuses)
    {
        var parent = status.Parent;
        for (var steps = 0; steps <= statuses.Count && statuses.TryGetValue(parent, out var next); steps++) parent = next.Parent;
        return parent == init;
    }

    private string CommandOf(int pid, ProcStatus status)
    {
        var command = (_proc.Read(pid, "cmdline") ?? "").TrimEnd('\0').Replace('\0', ' ');
        if (command.Length == 0) command = status.Name;
        if (command.Length > CommandShown) command = command[..CommandShown] + "...";
        return string.Concat(command.Select(c => char.IsControl(c) ? '?' : c));
    }

    /// <summary>Since when, from the 22nd field of <c>/proc/PID/stat</c>, see proc_pid_stat(5); empty if it is not known.</summary>
    private string Age(int pid, long bootTime)
    {
        if (_proc.Read(pid, "stat") is not { } stat || stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is not { Length: > 19 } fields
            || !long.TryParse(fields[19], CultureInfo.InvariantCulture, out var began)) return "";
        var age = TimeSpan.FromSeconds(Math.Max(0, (bootTime / 1_000_000_000) - (began / TicksPerSecond)));
        return $", for {age switch
        {
            { TotalMinutes: < 2 } => $"{age.TotalSeconds:0} s",
            { TotalHours: < 2 } => $"{age.TotalMinutes:0} min",
            _ => $"{age.TotalHours:0} h",
        }}";
    }
}
