using System.Text;

namespace Vni.Cli.Interactive;

/// <summary>Older lines, in a file of the user's own. Who cannot write it does without.</summary>
/// <param name="path">The file; <c>null</c>: none.</param>
internal sealed class History(string? path)
{
    private const int Most = 1000;

    private readonly List<string> _lines = Read(path);

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<string> Lines => _lines;

    /// <summary>In <c>$XDG_STATE_HOME</c>, else <c>~/.local/state</c> (XDG Base Directory Specification).</summary>
    public static string? PathOf(Func<string, string?> environment)
    {
        var state = environment("XDG_STATE_HOME");
        if (state is ['/', ..]) return $"{state}/vni/history";
        return environment("HOME") is ['/', ..] home ? $"{home}/.local/state/vni/history" : null;
    }

    /// <summary>Keeps a line, unless it is the one before again, or begins with a space: then it is nobody's business.</summary>
    public void Add(string line)
    {
        if (line.Length == 0 || line[0] == ' ' || line.Contains('\n') || (_lines.Count > 0 && _lines[^1] == line)) return;
        _lines.Add(line);
        if (_lines.Count > Most) _lines.RemoveAt(0);
        if (path is null) return;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var mode = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
            using var file = new StreamWriter(path + ".new", new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), mode);
            foreach (var kept in _lines) file.Write(kept + "\n");
            file.Close();
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A home that cannot be written is no reason not to work.
        }
    }

    private static List<string> Read(string? path)
    {
        try
        {
            return path is null ? [] : [.. File.ReadLines(path).Where(l => l.Length > 0).TakeLast(Most)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
