using System.Text;

namespace Vni.Actors.Rules;

/// <summary>What keeps a path from being one end of a redirection. Paths are evaluated, or hold variables as <c>&lt;NAME&gt;</c>.</summary>
public static class PathProblems
{
    /// <summary>The kernel's and the harness's own: nothing in them can be redirected, or a target.</summary>
    private static readonly string[] s_reserved = ["/proc", "/sys", "/dev", "/.vni", "/var/log/vni"];

    /// <summary>Files that say who the instance is.</summary>
    private static readonly string[] s_names = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

    /// <summary>The first thing that is wrong with a path; <c>null</c>: nothing.</summary>
    public static string? Of(string path, bool isTarget)
    {
        var what = isTarget ? "the target" : "the path";
        if (path.Length == 0 || path[0] != '/') return $"{what} is not absolute: let it begin with '/'";
        if (Encoding.UTF8.GetByteCount(path) > RuleLimits.MaxPath) return $"{what} is too long: at most {RuleLimits.MaxPath} bytes are possible";
        var whole = path.TrimEnd('/');
        if (whole.Length == 0) return $"{what} is '/', which is everything: name a directory or file in it";
        if (path.Length - whole.Length > 1) return $"{what} has an empty part: write '/' once between two names";
        if (path.Any(char.IsControl)) return $"{what} holds a control character: leave it out";
        foreach (var name in whole.Split('/').Skip(1))
        {
            if (name.Length == 0) return $"{what} has an empty part: write '/' once between two names";
            if (name is "." or "..") return $"{what} holds '{name}': write it without";
            if (Encoding.UTF8.GetByteCount(name) > RuleLimits.MaxSegment) return $"{what} has a name of more than {RuleLimits.MaxSegment} bytes, which no file can have: shorten it";
        }

        if (s_reserved.FirstOrDefault(own => IsOrIsBelow(whole, own)) is { } reserved) return $"{what} is reserved: '{reserved}' belongs to the instance's shell; choose another";
        if (s_names.FirstOrDefault(own => IsOrIsBelow(whole, own)) is { } name_) return $"{what} is reserved: '{name_}' says who the instance is; choose another";
        if (!isTarget && s_reserved.Concat(s_names).FirstOrDefault(own => IsBelow(own, whole)) is { } within) return $"the path holds '{within}', which is reserved: redirect what is beside it";
        return null;
    }

    /// <summary>Whether one path lies in the directory that the other one names.</summary>
    public static bool IsBelow(string path, string directory) => path.Length > directory.Length && path.StartsWith(directory, StringComparison.Ordinal) && path[directory.Length] == '/';

    /// <summary>The same, or the directory itself.</summary>
    public static bool IsOrIsBelow(string path, string directory) => path == directory || IsBelow(path, directory);
}
