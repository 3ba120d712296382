using Vni.Interposer.Checkpoint;

namespace Vni.Unit.Tests.Checkpoint;

/// <summary>A <c>/proc</c> of made-up processes; an instance's init is pid 100 of the node and 1 of the instance.</summary>
internal sealed class FakeProc : IProcReader
{
    private readonly Dictionary<(int, string), string> _files = [];
    private readonly Dictionary<(int, string), string> _links = [];
    private readonly Dictionary<(int, string), FileLook> _looks = [];
    private readonly Dictionary<(int, string), string> _sockets = [];

    private readonly HashSet<(int, string)> _queues = [];

    public FakeProc() => Add(100, "appshot", "1", 1, 1, parent: 99);

    public FakeProc Add(int pid, string name, string virtualPid, int group, int session, char state = 'S', int parent = 100, int tracer = 0, int threads = 1, string user = "1")
    {
        _files[(pid, "status")] =
            $"Name:\t{name}\nState:\t{state} (x)\nTgid:\t{pid}\nPPid:\t{parent}\nTracerPid:\t{tracer}\nFDSize:\t64\nNSpid:\t{pid}\t{virtualPid}\nNSpgid:\t{pid}\t{group}\nNSsid:\t{pid}\t{session}\nThreads:\t{threads}\n";
        foreach (var kind in new[] { "user", "ipc", "uts", "time" }) _links[(pid, "ns/" + kind)] = $"{kind}:[{(kind == "user" ? user : "1")}]";
        return this;
    }

    public FakeProc File(int pid, string name, string content)
    {
        _files[(pid, name)] = content;
        return this;
    }

    /// <summary>A process outside of the instance.</summary>
    public FakeProc AddOutside(int pid, string name, int parent)
    {
        _files[(pid, "status")] = $"Name:\t{name}\nState:\tS (x)\nTgid:\t{pid}\nPPid:\t{parent}\nTracerPid:\t0\nFDSize:\t64\nNSpid:\t{pid}\nNSpgid:\t{pid}\nNSsid:\t{pid}\nThreads:\t1\n";
        return this;
    }

    public FakeProc Mounts(int pid, params string[] lines) => File(pid, "mountinfo", string.Join('\n', lines));

    public FakeProc Link(int pid, string name, string target, ulong? mount = null, ulong inode = 0)
    {
        _links[(pid, name)] = target;
        _looks[(pid, name)] = new FileLook(IsRegular: false, null, inode, Links: 1, 0, mount);
        return this;
    }

    public FakeProc Queue(int pid, int fd, string target, ulong mount, uint links = 1)
    {
        _queues.Add((pid, $"fd/{fd}"));
        return Fd(pid, fd, target, mount: mount, links: links);
    }

    public FakeProc Fd(int pid, int fd, string target, DeviceNumber? device = null, string? socket = null, ulong? mount = null, uint links = 1, ulong allocated = 0)
    {
        _links[(pid, $"fd/{fd}")] = target;
        _looks[(pid, $"fd/{fd}")] = new FileLook(device is null, device, (ulong)fd, links, allocated, mount);
        if (socket is not null) _sockets[(pid, $"fd/{fd}")] = socket;
        return this;
    }

    public string? Read(int pid, string name) => _files.GetValueOrDefault((pid, name));

    public string? ReadLink(int pid, string name) => _links.GetValueOrDefault((pid, name));

    public IReadOnlyList<int> Threads(int pid) =>
        [.. _files.Keys.Where(k => k.Item1 == pid && k.Item2.StartsWith("task/", StringComparison.Ordinal)).Select(k => int.Parse(k.Item2.Split('/')[1]))];

    public FileLook? Look(int pid, string name) => _looks.TryGetValue((pid, name), out var look) ? look : null;

    public string? SocketProtocol(int pid, string name) => _sockets.GetValueOrDefault((pid, name));

    public bool IsMessageQueue(int pid, string name) => _queues.Contains((pid, name));
}
