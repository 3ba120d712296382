using Vni.Actors.Interposition;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>The sockets of an instance: which of its connections cannot be saved as they are now.</summary>
internal sealed class Sockets
{
    private const string TryAgain = "try again";
    private readonly Dictionary<ulong, (Suspect Holder, int Fd)> _holders = [];
    private readonly HashSet<ulong> _unix = [];

    /// <summary>Whether there are any that <see cref="SocketTable.Listeners"/> could tell of.</summary>
    public bool HasTcp { get; private set; }

    /// <summary>Whether there are any that <see cref="SocketTable.Unix"/> could tell of.</summary>
    public bool HasUnix => _unix.Count > 0;

    /// <param name="holder">Who has it open.</param>
    /// <param name="fd">As which descriptor.</param>
    /// <param name="protocol">The kernel's name of its kind.</param>
    /// <param name="link"><c>socket:[INODE]</c>.</param>
    public void Add(Suspect holder, int fd, string protocol, string link)
    {
        if (!ulong.TryParse(link.AsSpan("socket:[".Length).TrimEnd(']'), out var inode)) return;
        _holders.TryAdd(inode, (holder, fd));
        if (protocol is "TCP" or "TCPv6") HasTcp = true;
        else if (protocol is "UNIX" or "UNIX-STREAM") _unix.Add(inode);
    }

    /// <summary>Judges what the kernel says of them.</summary>
    public void Find(SocketTable table)
    {
        foreach (var listener in table.Listeners)
        {
            if (listener.Pending > 0 && _holders.TryGetValue(listener.Inode, out var holder))
                holder.Holder.Add(FindingKinds.PendingConnection, $"has not yet accepted {listener.Pending} of the connections to port {listener.Port} (fd {holder.Fd})", TryAgain, transient: true);
        }

        var unix = table.Unix.ToDictionary(socket => (ulong)socket.Inode);
        foreach (var socket in table.Unix)
        {
            if (!_holders.TryGetValue(socket.Inode, out var holder)) continue;
            if (socket.Peer is not 0 and var peer && !_holders.ContainsKey(peer)) FindPeer(holder, socket);
            foreach (var client in socket.Waiting) FindWaiting(holder, socket, client, unix);
        }

        foreach (var inode in _unix)
        {
            // What is accepted from a process of another network namespace is that namespace's. One that was closed meanwhile is nobody's.
            if (!unix.ContainsKey(inode) && _holders[inode] is var holder && holder.Holder.Proc.ReadLink(holder.Holder.Pid, $"fd/{holder.Fd}") == $"socket:[{inode}]")
                FindPeer(holder, new UnixSocket((uint)inode, Type: 0, State: 0, Name: null, Peer: 0));
        }
    }

    private static void FindPeer((Suspect Holder, int Fd) holder, UnixSocket socket) => holder.Holder.Add(
        FindingKinds.OutsidePeer,
        $"is connected by a unix socket (fd {holder.Fd}{Named(socket)}) to a process outside the instance",
        "close the connection before the snapshot");

    /// <summary>A connection that was made and not accepted is carried if both ends are the instance's and nothing was sent by it.</summary>
    private void FindWaiting((Suspect Holder, int Fd) holder, UnixSocket listener, ulong client, Dictionary<ulong, UnixSocket> unix)
    {
        var what = $"has not yet accepted a connection of its unix socket (fd {holder.Fd}{Named(listener)})";
        if (client == 0) holder.Holder.Add(FindingKinds.PendingConnection, $"{what} whose other end is closed", TryAgain, transient: true);
        else if (!_holders.ContainsKey(client)) holder.Holder.Add(FindingKinds.PendingConnection, $"{what} by a process outside the instance", TryAgain, transient: true);
        else if (unix.GetValueOrDefault(client) is { Unread: > 0 }) holder.Holder.Add(FindingKinds.PendingConnection, $"{what} by which something was sent", TryAgain, transient: true);
    }

    private static string Named(UnixSocket socket) => socket.Name is { Length: > 0 } name ? $", {name}" : "";
}

/// <summary>What the kernel says of sockets of one network namespace.</summary>
/// <param name="Listeners">TCP sockets that listen.</param>
/// <param name="Unix">All unix sockets.</param>
internal sealed record SocketTable(IReadOnlyList<TcpListener> Listeners, IReadOnlyList<UnixSocket> Unix);
