namespace Vni.Interposer.Checkpoint;

/// <summary><c>/proc/PID/status</c>; see proc_pid_status(5). Ids come in one column per PID namespace, the node's first.</summary>
internal sealed class ProcStatus
{
    private readonly Dictionary<string, string> _fields = [];

    public ProcStatus(string text)
    {
        foreach (var line in text.Split('\n'))
        {
            if (line.IndexOf(':') is > 0 and var colon) _fields[line[..colon]] = line[(colon + 1)..].Trim();
        }
    }

    /// <summary>The process's name; the kernel writes backslash and newline as <c>\\</c> and <c>\n</c>.</summary>
    public string Name => _fields["Name"].Replace("\\n", "\n", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);

    /// <summary><c>S</c>, <c>D</c>, <c>Z</c>, ...</summary>
    public char State => _fields["State"][0];

    /// <summary>Number of threads.</summary>
    public int Threads => int.Parse(_fields["Threads"]);

    /// <summary>Slots of the table of descriptors; numbers of descriptors are smaller.</summary>
    public int DescriptorSlots => int.Parse(_fields["FDSize"]);

    /// <summary>Parent, on the node.</summary>
    public int Parent => int.Parse(_fields["PPid"]);

    /// <summary>The tracer's pid on the node; 0: not traced.</summary>
    public int Tracer => int.Parse(_fields["TracerPid"]);

    /// <summary>PID namespaces from the node's down to the process's own.</summary>
    public int Depth => Column("NSpid").Length;

    /// <summary>Pid in the innermost namespace.</summary>
    public int VirtualPid => Column("NSpid")[^1];

    /// <summary>Pid on the node.</summary>
    public int Pid => Column("NSpid")[0];

    /// <summary>Process group, and session, on the node.</summary>
    public int Group => Column("NSpgid")[0];

    /// <inheritdoc cref="Group" />
    public int Session => Column("NSsid")[0];

    /// <summary>Process group in the innermost namespace; 0: outside of it.</summary>
    public int VirtualGroup => Column("NSpgid")[^1];

    /// <summary>Session in the innermost namespace; 0: outside of it.</summary>
    public int VirtualSession => Column("NSsid")[^1];

    /// <summary><see cref="VirtualPid"/> of such a file, for whoever wants nothing else of it.</summary>
    public static int VirtualPidOf(ReadOnlySpan<char> text)
    {
        const string key = "\nNSpid:";
        var line = text[(text.IndexOf(key, StringComparison.Ordinal) + key.Length)..];
        line = line[..line.IndexOf('\n')];
        return int.Parse(line[(line.LastIndexOf('\t') + 1)..]);
    }

    /// <summary><c>process 7 (python3)</c>.</summary>
    public string Describe() => $"process {VirtualPid} ({Name})";

    private int[] Column(string key) => Array.ConvertAll(_fields[key].Split('\t', StringSplitOptions.RemoveEmptyEntries), int.Parse);
}
