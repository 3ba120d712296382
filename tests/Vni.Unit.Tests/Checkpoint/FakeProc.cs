using Vni.Interposer.Checkpoint;

namespace Vni.Unit.Tests.Checkpoint;

/// <summary>A <c>/proc</c> of made-up processes; an instance's init is pid 100 of the node and 1 of the instance.</summary>
internal sealed class FakeProc : IProcReader
{
    private readonly Dictionary<(int, string), string> _files = [];
    private readonly Dictionary<(int, string), string> _links = [];
    private readonly Dictionary<(int, string), DeviceNumber> _devices = [];
    private readonly Dictionary<(int, string), string> _sockets = [];

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

    public FakeProc Fd(int pid, int fd, string target, DeviceNumber? device = null, string? socket = null)
    {
        _links[(pid, $"fd/{fd}")] = target;
        if (device is { } d) _devices[(pid, $"fd/{fd}")] = d;
        if (socket is not null) _sockets[(pid, $"fd/{fd}")] = socket;
        return this;
    }

    public string? Read(int pid, string name) => _files.GetValueOrDefault((pid, name));

    public string? ReadLink(int pid, string name) => _links.GetValueOrDefault((pid, name));

    public IReadOnlyList<int> Threads(int pid) =>
        [.. _files.Keys.Where(k => k.Item1 == pid && k.Item2.StartsWith("task/", StringComparison.Ordinal)).Select(k => int.Parse(k.Item2.Split('/')[1]))];

    public DeviceNumber? Device(int pid, string name) => _devices.TryGetValue((pid, name), out var device) ? device : null;

    public string? SocketProtocol(int pid, string name) => _sockets.GetValueOrDefault((pid, name));
}
