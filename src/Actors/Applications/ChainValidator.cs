using System.Text;
using Vni.Actors.Identity;

namespace Vni.Actors.Applications;

/// <summary>Judges what a declaration says about order, restarts, readiness and stopping.</summary>
internal static class ChainValidator
{
    private const double LeastWait = 0.01;
    private const double LongestDelay = 86400;
    private const double LongestTest = 3600;
    private const double LongestGrace = 3600;
    private const long LargestCount = 1_000_000;

    /// <summary>What one process says, but for its order.</summary>
    public static void Check(ProcessDeclaration process, string who, List<string> problems)
    {
        if (process.Restart is { } restart) CheckRestart(restart, who, problems);
        if (process.Ready is { } ready) CheckReadiness(ready, who, problems);
        if (!SignalNames.TryParse(process.StopSignal, out var signal)) problems.Add($"stop signal {DnsLabel.Quote(process.StopSignal)} of {who} is not valid: {SignalNames.Rule}");
        else if (SignalNames.Of(signal) is "SIGSTOP" or "SIGCONT" or "SIGCHLD") problems.Add($"stop signal {process.StopSignal} of {who} ends no program: give TERM, INT or another that does");
        if (process.GraceSeconds is { } grace) CheckSeconds(grace, 0, LongestGrace, $"grace of {who}", problems);
    }

    /// <summary>Names that are not declared, and the first cycle.</summary>
    public static void CheckOrder(IReadOnlyList<ProcessDeclaration> processes, List<string> problems)
    {
        var after = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var process in processes) after.TryAdd(process.Name ?? "", process.After ?? []);
        foreach (var process in processes)
        {
            foreach (var name in (process.After ?? []).Where(name => name is null || !after.ContainsKey(name)).Distinct(StringComparer.Ordinal))
                problems.Add($"process '{process.Name}' comes after {DnsLabel.Quote(name)}, which is not declared: name one of {string.Join(", ", after.Keys.Where(other => other != process.Name))}");
        }

        if (FindCycle(after) is { } cycle)
            problems.Add($"no process can be the first of {string.Join(" after ", cycle.Select(name => $"'{name}'"))}: take one of these out of 'after'");
    }

    /// <summary>Names, each coming after the next, the last one being the first; <c>null</c>: there is no cycle.</summary>
    private static List<string>? FindCycle(Dictionary<string, IReadOnlyList<string>> after)
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        return after.Keys.Select(name => Walk(name, [])).FirstOrDefault(cycle => cycle is not null);

        List<string>? Walk(string name, List<string> way)
        {
            if (way.IndexOf(name) is var at and >= 0) return [.. way[at..], name];
            if (done.Contains(name) || !after.TryGetValue(name, out var others)) return null;
            way.Add(name);
            foreach (var other in others.Where(other => other is not null))
            {
                if (Walk(other, way) is { } cycle) return cycle;
            }

            way.RemoveAt(way.Count - 1);
            done.Add(name);
            return null;
        }
    }

    private static void CheckRestart(RestartPolicy restart, string who, List<string> problems)
    {
        if (!RestartPolicy.Policies.Contains(restart.Policy))
            problems.Add($"restart policy {DnsLabel.Quote(restart.Policy)} of {who} is not valid: use {string.Join(", ", RestartPolicy.Policies)}");
        CheckSeconds(restart.DelaySeconds, LeastWait, LongestDelay, $"restart delay of {who}", problems);
        CheckSeconds(restart.MaxDelaySeconds, LeastWait, LongestDelay, $"longest restart delay of {who}", problems);
        if (restart.MaxDelaySeconds < restart.DelaySeconds)
            problems.Add($"longest restart delay of {who} is {restart.MaxDelaySeconds} s, less than the first one: give at least {restart.DelaySeconds} s");
        CheckSeconds(restart.ResetSeconds, 0, LongestDelay, $"time after which the restart delay of {who} begins anew", problems);
        if (restart.MaxCount is { } count and not (>= 0 and <= LargestCount)) problems.Add($"restart count of {who} is {count}: give 0 to {LargestCount}");
    }

    private static void CheckReadiness(ReadinessTest ready, string who, List<string> problems)
    {
        var given = (ready.Port is null ? 0 : 1) + (ready.File is null ? 0 : 1) + (ready.Command is null ? 0 : 1);
        if (given != 1) problems.Add($"readiness of {who} has {given} tests: give a port, a file or a command");
        if (ready.Port is { } port and not (>= 1 and <= 65535)) problems.Add($"readiness port {port} of {who} is not valid: give 1 to 65535");
        if (ready.File is { } file) CheckFile(file, who, problems);
        if (ready.Command is { } command) DeclarationValidator.CheckCommand(command, $"readiness of {who}", problems);
        CheckSeconds(ready.IntervalSeconds, LeastWait, LongestTest, $"readiness interval of {who}", problems);
        CheckSeconds(ready.TimeoutSeconds, LeastWait, LongestTest, $"readiness timeout of {who}", problems);
    }

    private static void CheckFile(string file, string who, List<string> problems)
    {
        if (file is not ['/', _, ..]) problems.Add($"readiness file {DnsLabel.Quote(file)} of {who} is not valid: give an absolute path");
        else if (file.Contains('\0')) problems.Add($"readiness file {DnsLabel.Quote(file)} of {who} is not valid: a path cannot hold a NUL character");
        else if (Encoding.UTF8.GetByteCount(file) >= DeclarationValidator.MaxPath) problems.Add($"readiness file of {who} is too long: at most {DeclarationValidator.MaxPath - 1} bytes");
    }

    private static void CheckSeconds(double seconds, double least, double most, string what, List<string> problems)
    {
        if (!(seconds >= least && seconds <= most)) problems.Add($"{what} is {seconds} s: give {least} to {most} s"); // Written so that NaN is refused.
    }
}
