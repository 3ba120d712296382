using System.Text.RegularExpressions;
using Vni.Actors;
using Vni.Actors.Identity;

namespace Vni.Interposer.Checkpoint;

/// <summary>What CRIU's log says about a failure, as a sentence with a code.</summary>
/// <param name="text">The log.</param>
/// <param name="describe">Names the process with a pid of the node; <c>null</c>: it is gone.</param>
internal sealed partial class CriuLog(string text, Func<int, string?> describe)
{
    private const int ENOSPC = 28, EDQUOT = 122;
    private const int LinesShown = 4;

    /// <summary>Reads a log that CRIU has written; empty when it wrote none.</summary>
    public static CriuLog Read(string directory, string name, Func<int, string?> describe)
    {
        var path = Path.Combine(directory, name);
        return new CriuLog(File.Exists(path) ? File.ReadAllText(path) : "", describe);
    }

    /// <summary>The lines that tell why, first cause first, without what is logged even when all goes well.</summary>
    public IReadOnlyList<string> Decisive { get; } =
    [
        .. text.Split('\n')
            .Select(line => ErrorLine().Match(line))
            .Where(match => match.Success && !Harmless().IsMatch(match.Groups["message"].Value))
            .Select(match => match.Groups["message"].Value.Trim().Replace("Unknown shit", "Unknown type", StringComparison.Ordinal))
            .Distinct(),
    ];

    /// <summary>Why a dump failed.</summary>
    public VniException DumpFailure(Aid aid, int errno)
    {
        if (IsFull(errno)) return new VniException(ErrorCodes.NoSpace, $"no space is left for the images of application {aid}; free some and try again");
        if (Find(CriuCauses.OfDump) is not { } found)
        {
            return new VniException(ErrorCodes.DumpFailed, $"application {aid} could not be saved: {Summary()}; it runs on unchanged, and its snapshot's log has the details");
        }

        var who = found.Cause.OfProcess ? (Culprit(found.Match) ?? "a process") + " " : "";
        return Transient.Mark(
            new VniException(ErrorCodes.NotDumpable, $"application {aid} cannot be saved: {who}{found.Match.Result(found.Cause.Reason)}; {found.Cause.Remedy} (CRIU: {found.Line})"),
            found.Cause.Transient);
    }

    /// <summary>Why a restore failed.</summary>
    public VniException RestoreFailure(Aid aid, int errno)
    {
        if (IsFull(errno)) return new VniException(ErrorCodes.NoSpace, $"no space is left to restore application {aid}; free some and try again");
        return Find(CriuCauses.OfRestore) is { } found
            ? new VniException(ErrorCodes.RestoreFailed, $"application {aid} could not be restored: {found.Match.Result(found.Cause.Reason)}; {found.Cause.Remedy} (CRIU: {found.Line})")
            : new VniException(ErrorCodes.RestoreFailed, $"application {aid} could not be restored: {Summary()}; nothing of it has run, and the snapshot is unchanged");
    }

    private bool IsFull(int errno) =>
        errno is ENOSPC or EDQUOT || Decisive.Any(l => l.Contains("No space left on device", StringComparison.Ordinal) || l.Contains("Disk quota exceeded", StringComparison.Ordinal));

    private (CriuCause Cause, Match Match, string Line)? Find(IReadOnlyList<CriuCause> causes)
    {
        foreach (var cause in causes)
        {
            foreach (var line in Decisive)
            {
                if (cause.Pattern.Match(line) is { Success: true } match) return (cause, match, line);
            }
        }

        return null;
    }

    /// <summary>The process that the line names, or the one that a later line names for it.</summary>
    private string? Culprit(Match match)
    {
        if (match.Groups["pid"] is { Success: true } pid && int.TryParse(pid.Value, out var direct)) return describe(direct);
        foreach (var line in Decisive)
        {
            if (PidInLine().Match(line) is { Success: true } named && int.TryParse(named.Groups[1].Value, out var number)) return describe(number);
        }

        return null;
    }

    private string Summary() => Decisive.Count == 0
        ? "CRIU says no reason"
        : string.Join("; ", Decisive.Where(l => !l.EndsWith("FAILED.", StringComparison.Ordinal)).Take(LinesShown).DefaultIfEmpty(Decisive[0]));

    /// <summary>With a time in front at higher log levels.</summary>
    [GeneratedRegex(@"^(?:\([\d.]+\)\s*)?(?:pie: )?(?:\s*\d+:\s*)?(?:Error|Warn) +\([^)]*\): (?<message>.*)$")]
    private static partial Regex ErrorLine();

    [GeneratedRegex(@"RLIMIT_|iptables|ip6tables|irmap: Can't stat|^Dumping FAILED|^Restoring FAILED|^Killing processes because of failure|Can't remove the directory .*\.criu\.mntns")]
    private static partial Regex Harmless();

    [GeneratedRegex(@"\(pid: (\d+)\)")]
    private static partial Regex PidInLine();
}
