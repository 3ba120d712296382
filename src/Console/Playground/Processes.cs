using System.Globalization;
using System.Runtime.InteropServices;
using Vni.Cli.Terminal;

namespace Vni.Cli.Playground;

/// <summary>Finds and ends processes of members. None is ended by its id alone, which may be another's by now.</summary>
internal static class Processes
{
    private const int ESRCH = 3;

    // After the name in parentheses, which may hold anything: state is the third field, the number of threads the 20th, the start time
    // the 22nd.
    private const int ThreadsField = 20 - 3, StartedField = 22 - 3;

    private static readonly string[] s_tables = ["tcp", "tcp6"];

    /// <summary>What tells a process from all others; <c>null</c>: there is none.</summary>
    public static ProcessMark? MarkOf(int pid)
    {
        if (ReadOf($"/proc/{pid}/stat") is not { } stat) return null;
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        // A zombie does nothing any more.
        return fields[0] is "Z" or "X" ? null : new ProcessMark(pid, long.Parse(fields[StartedField], CultureInfo.InvariantCulture));
    }

    public static bool IsAlive(ProcessMark mark) => MarkOf(mark.Pid) == mark;

    /// <summary>Whether nothing of it is left: the main thread of one that has been killed can be a zombie while others still hold files and locks.</summary>
    public static bool IsGone(ProcessMark mark) =>
        !IsAlive(mark) && (ReadOf($"/proc/{mark.Pid}/stat") is not { } stat || stat[(stat.LastIndexOf(')') + 2)..].Split(' ') is var fields
            && (fields[StartedField] != mark.Started.ToString(CultureInfo.InvariantCulture) || fields[ThreadsField] is "0" or "1"));

    /// <summary>Whether a TCP socket listens on a port in the process's network namespace.</summary>
    public static bool Listens(int pid, int port)
    {
        // proc_net_tcp: the second field is ADDRESS:PORT in hexadecimal digits, the fourth the state, 0A for listening.
        var suffix = $":{port:X4}";
        return s_tables.SelectMany(table => (ReadOf($"/proc/{pid}/net/{table}") ?? "").Split('\n').Skip(1))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Any(fields => fields is [_, var local, _, "0A", ..] && local.EndsWith(suffix, StringComparison.Ordinal));
    }

    /// <summary>Ends one process.</summary>
    public static void Kill(ProcessMark mark)
    {
        if (IsAlive(mark)) Kill(mark.Pid);
    }

    /// <summary>Ends all processes in a network namespace but this one, which may be removing the farm from within.</summary>
    /// <returns>Whether there were any.</returns>
    public static bool KillIn(string networkNamespace)
    {
        if (Mounts.NamespaceAt(Tools.NamespaceFile(networkNamespace)) is not { } wanted) return false;
        var found = false;
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)) continue;
            if (pid == Environment.ProcessId || MarkOf(pid) is null || NamespaceOf(pid) != wanted) continue;
            found = true;
            Kill(pid);
        }

        return found;
    }

    private static string? NamespaceOf(int pid)
    {
        try
        {
            return new FileInfo($"/proc/{pid}/ns/net").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // It has ended.
        }
    }

    private static void Kill(int pid)
    {
        if (Libc.Kill(pid, Libc.SIGKILL) < 0 && Marshal.GetLastPInvokeError() != ESRCH) throw Libc.Error($"kill {pid}");
    }

    private static string? ReadOf(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // It has ended.
        }
    }
}
