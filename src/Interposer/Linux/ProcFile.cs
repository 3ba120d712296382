using System.Globalization;

namespace Vni.Interposer.Linux;

/// <summary>Reading <c>/proc</c>, see proc(5). What has ended meanwhile is left out.</summary>
internal static class ProcFile
{
    /// <summary>Pids of this process's children, ended ones included, of all its threads.</summary>
    public static IReadOnlyList<int> Children()
    {
        var children = new List<int>();
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            foreach (var pid in (TryRead(Path.Combine(thread, "children")) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                children.Add(int.Parse(pid, CultureInfo.InvariantCulture));
            }
        }

        return children;
    }

    /// <summary>The whole of a file of <c>/proc</c>; <c>null</c> when its process has ended.</summary>
    public static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException) // ENOENT before, ESRCH after it was opened.
        {
            return null;
        }
    }
}
