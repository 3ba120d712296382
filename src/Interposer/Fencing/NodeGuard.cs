using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using Vni.Actors;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;

namespace Vni.Interposer.Fencing;

/// <summary>
/// Keeps a guard beside the daemon from the first deadline on. One that ends before its time is replaced at once, with
/// the deadline that it had; one that has fenced is replaced with the next deadline.
/// </summary>
internal sealed class NodeGuard(InterposerOptions options, CgroupTree cgroups, IProcessSpawner spawner, FenceGate gate, ILogger log) : IDisposable
{
    private const int ControlDescriptor = 3, NetworkDescriptor = 4;

    /// <summary>Name of the file, in the state directory, that says which guard is the current one.</summary>
    private const string CurrentFile = "guard";

    private readonly Lock _changing = new();
    private readonly SafeFileHandle _network = Namespaces.OpenOwn(NamespaceKind.Network);
    private GuardProcess? _current;
    private VniException? _failure;
    private long _deadline;
    private bool _ended;

    /// <summary>Called when it has fenced.</summary>
    public Action? Fired { get; set; }

    /// <summary>The guard's number on the node; <c>null</c>: there is none.</summary>
    public int? Pid
    {
        get { lock (_changing) return _current?.Pid; }
    }

    /// <summary>Ends when no guard of a former daemon can fence any more; at once if there was no deadline yet.</summary>
    public Task Armed
    {
        get { lock (_changing) return _current?.Armed ?? Task.CompletedTask; }
    }

    /// <exception cref="VniException"><see cref="ErrorCodes.NodeIncapable"/>: a guard cannot be started, or one that was
    /// started has failed; the next call tries again.</exception>
    public void Extend(TimeSpan remaining)
    {
        lock (_changing)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            _deadline = Libc.BootTime() + Math.Max(0, (long)remaining.TotalNanoseconds);
            gate.Open(_deadline);
            var failure = _failure;
            _failure = null;
            if (_current is null) _current = Start(_deadline);
            else if (!_current.TrySend(_deadline)) _current.Kill(); // It does not read. Its end brings the next one.
            if (failure is not null) throw failure;
        }
    }

    public void Disarm()
    {
        lock (_changing)
        {
            _deadline = 0;
            _failure = null;
            gate.OpenForGood();
            if (_current is null)
            {
                // A former daemon's may still be there: one that takes over from it and ends rids the node of it.
                if (!File.Exists(Path.Combine(options.StateDirectory, CurrentFile))) return;
                _current = Start(0);
            }
            else
            {
                _current.TrySend(0);
            }

            _current = null;
        }
    }

    /// <summary>The daemon ends: what is left guards until its deadline, or until the next daemon's takes over.</summary>
    public void Dispose()
    {
        lock (_changing)
        {
            _ended = true;
            _current?.Dispose();
            _current = null;
            _network.Dispose();
        }
    }

    private GuardProcess Start(long deadline)
    {
        try
        {
            Directory.CreateDirectory(cgroups.Root);
            var (socket, child) = SeqPacketSocket.CreatePair();
            GuardProcess guard;
            using (child)
            {
                string[] arguments = ["guard", options.StateDirectory, cgroups.Root, new PortNames(options.Network.Bridge).AliasPrefix];
                guard = new GuardProcess(socket, spawner.Spawn(options.HarnessPath, arguments, [(ControlDescriptor, child), (NetworkDescriptor, _network)]));
            }

            guard.TrySend(deadline);
            _ = Task.Run(() => WatchAsync(guard)); // Not from here: one that has ended already must be known as the current one first.
            return guard;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(e.Message, e);
        }
    }

    private async Task WatchAsync(GuardProcess guard)
    {
        int status;
        try
        {
            status = await guard.RunAsync(OnFenced).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ObjectDisposedException or System.Net.Sockets.SocketException)
        {
            return; // The daemon ends.
        }

        lock (_changing)
        {
            guard.Dispose();
            if (!ReferenceEquals(guard, _current)) return;
            _current = null;
            if (guard.Error is not null) log.LogError("The node's guard has failed: {Error}", guard.Error);
            if (guard.Fenced && _deadline <= Libc.BootTime()) return;
            if (guard.Error is not null || !guard.WasArmed)
            {
                _failure = Failed(guard.Error ?? $"it ended with status {status} before it was ready");
                return;
            }

            if (!guard.Fenced) log.LogWarning("The node's guard (pid {Pid}) ended with status {Status} and is replaced", guard.Pid, status);
            try
            {
                _current = Start(_deadline);
            }
            catch (VniException e)
            {
                _failure = e;
                log.LogError(e, "The node's guard could not be replaced");
            }
        }
    }

    private void OnFenced()
    {
        log.LogWarning("The node's guard has frozen all instances: it was not told in time that they are still this node's");
        lock (_changing)
        {
            if (_deadline <= Libc.BootTime()) gate.Close();
        }

        Fired?.Invoke();
    }

    private static VniException Failed(string why, Exception? inner = null) => new(
        ErrorCodes.NodeIncapable, $"the node's guard, which freezes instances that another node may have taken over, cannot work: {why}; install vnid and appshot together, and see the daemon's log", inner);
}
