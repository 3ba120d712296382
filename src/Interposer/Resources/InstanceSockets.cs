using Vni.Actors.Resources;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Resources;

/// <summary>TCP, UDP and unix sockets that processes of an instance hold; sock_diag(7), by way of a thread in its network namespace.</summary>
internal sealed class InstanceSockets
{
    /// <summary>How CRIU names the socket by which it talks to the code that it has put into a process.</summary>
    private const string CriuPrefix = "@/crtools-";

    private readonly Dictionary<uint, (int Pid, int Descriptor)> _holders;
    private readonly List<InternetSocket> _tcp = [], _udp = [];
    private readonly List<UnixSocket> _unix = [];

    private InstanceSockets(Dictionary<uint, (int, int)> holders) => _holders = holders;

    /// <summary>Which process holds which socket, and by which descriptor: the first of them. To be called before <see cref="Read"/>.</summary>
    public static InstanceSockets HeldBy(IReadOnlyList<InstanceProcess> members)
    {
        var holders = new Dictionary<uint, (int, int)>();
        foreach (var member in members)
        {
            foreach (var descriptor in Descriptors(member.Pid).Order())
            {
                if (ProcLinks.TryReadSocket($"/proc/{member.Pid}/fd/{descriptor}") is { } inode) holders.TryAdd(inode, (member.Status.VirtualPid, descriptor));
            }
        }

        return new InstanceSockets(holders);
    }

    /// <summary>Asks the kernel what these sockets are, in the network namespace of the calling thread.</summary>
    public InstanceSockets Read()
    {
        if (_holders.Count == 0) return this;
        using var netlink = NetlinkSocket.ForSockets();
        foreach (var family in new[] { SocketDiagnosis.AF_INET, SocketDiagnosis.AF_INET6 })
        {
            foreach (var found in netlink.Dump(SocketDiagnosis.GetSockets(family, SocketDiagnosis.IPPROTO_TCP))) _tcp.Add(SocketDiagnosis.ReadSocket(found));
            foreach (var found in netlink.Dump(SocketDiagnosis.GetSockets(family, SocketDiagnosis.IPPROTO_UDP))) _udp.Add(SocketDiagnosis.ReadSocket(found));
        }

        foreach (var found in netlink.Dump(UnixDiagnosis.GetAll(queues: false))) _unix.Add(UnixDiagnosis.Parse(found));
        return this;
    }

    public void AddTo(FoundResources found)
    {
        foreach (var (socket, pid) in Held(_tcp, socket => socket.Inode))
        {
            if (socket.State == SocketDiagnosis.TCP_LISTEN) found.Add(ResourceType.Tcp, $"{socket.Local}", System(socket.Inode), pid.Pid, DefaultDispositions.Listening);
            else if (socket.State == SocketDiagnosis.TCP_ESTABLISHED) // One that is ending may be gone at any moment, whatever the process does.
                found.Add(ResourceType.Tcp, $"{socket.Local}-{socket.Remote}", System(socket.Inode), pid.Pid, "connected");
        }

        foreach (var (socket, pid) in Held(_udp, socket => socket.Inode))
        {
            if (socket.Remote.Port == 0) found.Add(ResourceType.Udp, $"{socket.Local}", System(socket.Inode), pid.Pid, DefaultDispositions.Bound);
            else found.Add(ResourceType.Udp, $"{socket.Local}-{socket.Remote}", System(socket.Inode), pid.Pid, "connected");
        }

        var names = _unix.ToDictionary(socket => socket.Inode, socket => socket.Name);
        foreach (var (socket, holder) in Held(_unix, socket => socket.Inode)) AddUnix(found, socket, holder, names);
    }

    private static void AddUnix(FoundResources found, UnixSocket socket, (int Pid, int Descriptor) holder, Dictionary<uint, string?> names)
    {
        void Add(string id, string? detail) => found.Add(ResourceType.UnixSocket, id, System(socket.Inode), holder.Pid, detail);
        var own = $"{holder.Pid}/{holder.Descriptor}";
        switch (socket)
        {
            case { Type: SocketDiagnosis.SOCK_DGRAM, Name: var name }: // Its state says nothing: others' connecting changes it.
                Add(name ?? own, name is null ? null : DefaultDispositions.Bound);
                break;
            case { Name: { } name, State: not SocketDiagnosis.TCP_ESTABLISHED }:
                Add(name, socket.State == SocketDiagnosis.TCP_LISTEN ? DefaultDispositions.Listening : DefaultDispositions.Bound);
                break;
            // The far end of CRIU's may not have been accepted yet, and has no inode then.
            case { State: SocketDiagnosis.TCP_ESTABLISHED } when names.TryGetValue(socket.Peer, out var far) && far?.StartsWith(CriuPrefix, StringComparison.Ordinal) != true:
                Add(own, socket.Name is { } listener ? $"connected, of {listener}" : "connected"); // CRIU does not give an accepted one its listener's name again.
                break;
        }
    }

    private IEnumerable<(T Socket, (int Pid, int Descriptor) Holder)> Held<T>(IEnumerable<T> sockets, Func<T, uint> inode) =>
        sockets.Where(socket => _holders.ContainsKey(inode(socket))).Select(socket => (socket, _holders[inode(socket)])).OrderBy(held => held.Item2);

    private static string System(uint inode) => $"socket:[{inode}]";

    private static IEnumerable<int> Descriptors(int pid)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").Select(path => int.Parse(path.AsSpan(path.LastIndexOf('/') + 1)))];
        }
        catch (IOException)
        {
            return []; // It has ended.
        }
    }
}
