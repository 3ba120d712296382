using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using Vni.Actors.Identity;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Network;

/// <summary>
/// The network plane, by netlink and ioctl. It works in the network namespace of the thread that calls it, which for a
/// daemon is the same for all threads.
/// </summary>
/// <remarks>
/// States of a port, by what owns the MAC in the bridge's forwarding table:
/// <code>
///              Connect            Plug                 Park                Disconnect
///   (nothing) --------> unplugged ----> plugged: veth ----> parked: tap  ----------> parked, no veth
///                                         ^                      |
///                                         +------- Plug ---------+
/// </code>
/// All state but the taps is in the kernel, under names that follow from the AID: a new daemon needs no memory of the
/// former one. The taps are descriptors of this process and go with it; <see cref="Park"/> makes them anew.
/// A note for operators: where <c>br_netfilter</c> is loaded with <c>bridge-nf-call-iptables=1</c>, the node's iptables
/// rules also decide about frames between ports.
/// </remarks>
internal sealed partial class NodeNetwork(NetworkOptions options) : INodeNetwork
{
    private const string Inner = "eth0";

    /// <summary>The same in every life of an instance, because programs remember it; far from those that the kernel gives
    /// to devices of its own accord (<c>tunl0</c>, <c>sit0</c>, ...), which begin at 2.</summary>
    private const int InnerIndex = 16;

    private readonly Lock _starting = new();
    private readonly PortNames _names = new(options.Bridge);
    private readonly ConcurrentDictionary<Aid, Tap> _parked = new();

    /// <summary>Taps that are on their way out.</summary>
    private readonly ConcurrentDictionary<Aid, Thread> _discarded = new();

    /// <summary>Removals of veth pairs that are under way.</summary>
    private readonly ConcurrentDictionary<Aid, Thread> _disconnected = new();

    private readonly Lazy<SafeFileHandle> _closed = new(() => LoadClassifier(FrameFilters.Closed(), "vni_closed"));
    private readonly Lazy<SafeFileHandle> _criuOnly = new(() => LoadClassifier(FrameFilters.CriuOnly(), "vni_criu_only"));

    private Bridge? _bridge;

    private Bridge Ready => _bridge ?? throw new InvalidOperationException("Start comes first.");

    /// <inheritdoc />
    public void Start() => NetworkFailure.Explain($"the bridge '{options.Bridge}' could not be made ready", () =>
    {
        lock (_starting)
        {
            var bridge = Bridge.Open(options);
            _bridge?.Dispose();
            _bridge = bridge;
        }
    });

    /// <inheritdoc />
    public void Disconnect(Aid aid)
    {
        AwaitDisconnected(aid);
        var removal = new Thread(() => RemoveVeth(aid)) { IsBackground = true, Name = "veth removal" };
        removal.Start();
        _disconnected[aid] = removal;
    }

    /// <inheritdoc />
    public void Remove(Aid aid)
    {
        Disconnect(aid);
        Discard(aid);
        AwaitDiscarded(aid);
        AwaitDisconnected(aid);
    }

    /// <inheritdoc />
    public IReadOnlyList<string> FindPorts() => NetworkFailure.Explain("the interfaces of the node could not be listed", () =>
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var payload in Ready.Netlink.Dump(Rtnetlink.GetLinks()))
        {
            if (_names.AidOf(Link.Parse(payload)?.Alias) is { } aid) found.Add(aid);
        }

        return found.ToList();
    });

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var aid in _parked.Keys) Discard(aid);
        foreach (var aid in _discarded.Keys) AwaitDiscarded(aid);
        foreach (var aid in _disconnected.Keys) AwaitDisconnected(aid);
        _bridge?.Dispose();
        if (_closed.IsValueCreated) _closed.Value.Dispose();
        if (_criuOnly.IsValueCreated) _criuOnly.Value.Dispose();
    }

    /// <summary>Removes a tap, if there is one, without waiting: the kernel takes some ten milliseconds to be sure that
    /// nobody uses an interface any more, and the instance should not wait for that.</summary>
    private void Discard(Aid aid)
    {
        if (!_parked.TryRemove(aid, out var tap)) return;
        var removal = new Thread(tap.Dispose) { IsBackground = true, Name = "tap removal" };
        removal.Start();
        _discarded[aid] = removal;
    }

    /// <summary>Returns when the name of the tap is free again.</summary>
    private void AwaitDiscarded(Aid aid)
    {
        if (_discarded.TryRemove(aid, out var removal)) removal.Join();
    }

    /// <summary>Returns when the name of the veth pair is free again.</summary>
    private void AwaitDisconnected(Aid aid)
    {
        if (_disconnected.TryRemove(aid, out var removal)) removal.Join();
    }

    /// <summary>On a socket of its own: the kernel answers when it is sure that nobody uses the interface, and nobody else's
    /// messages should wait for that.</summary>
    private void RemoveVeth(Aid aid)
    {
        try
        {
            using var netlink = new NetlinkSocket();
            netlink.Execute(Rtnetlink.DeleteLink(_names.Veth(aid)));
        }
        catch (LinuxException)
        {
            // Whoever needs the name removes it once more and says what is wrong; else the namespace's end takes it away.
        }
    }

    private static SafeFileHandle LoadClassifier(ulong[] code, string name) =>
        Bpf.Load(BpfProgramType.SchedCls, BpfAttachType.None, code, name);
}
