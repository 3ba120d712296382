using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint;

/// <summary>The node's own <c>/proc</c>. Links are read with one system call each: a process may have thousands.</summary>
internal sealed class ProcReader : IProcReader
{
    public static ProcReader Node { get; } = new();

    /// <inheritdoc />
    public string? Read(int pid, string name) => ProcFile.TryRead($"/proc/{pid}/{name}");

    /// <inheritdoc />
    public string? ReadLink(int pid, string name) => ProcLinks.TryReadLink($"/proc/{pid}/{name}");

    /// <inheritdoc />
    public IReadOnlyList<int> Threads(int pid)
    {
        try
        {
            return [.. Directory.EnumerateDirectories($"/proc/{pid}/task").Select(path => int.Parse(Path.GetFileName(path)))];
        }
        catch (IOException)
        {
            return []; // It has ended.
        }
    }

    /// <inheritdoc />
    public FileLook? Look(int pid, string name) => ProcLinks.TryLook($"/proc/{pid}/{name}");

    /// <inheritdoc />
    public string? SocketProtocol(int pid, string name) => ProcLinks.TryGetAttribute($"/proc/{pid}/{name}", "system.sockprotoname");

    /// <inheritdoc />
    public bool IsMessageQueue(int pid, string name) => ProcLinks.IsOnFileSystem($"/proc/{pid}/{name}", ProcLinks.MQUEUE_MAGIC);

    /// <summary><c>process 7 (python3)</c>, with the pid that the instance sees; <c>null</c> when it has ended.</summary>
    public string? Describe(int pid) => Read(pid, "status") is { } status ? new ProcStatus(status).Describe() : null;
}
