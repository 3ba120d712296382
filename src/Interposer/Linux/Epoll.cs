using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>What a descriptor is watched for; <c>EPOLL*</c> of epoll_ctl(2).</summary>
[Flags]
internal enum PollEvents
{
    /// <summary>There is something to read; a pidfd: the process has ended.</summary>
    Readable = 0x1,

    /// <summary>Something exceptional; a kernfs file: its content has changed since it was last read.</summary>
    Changed = 0x2,

    /// <summary>There is room to write.</summary>
    Writable = 0x4,
}

/// <summary>
/// One thread that waits for all descriptors given to it (epoll(7)). Every registration is good for one call: the
/// callback runs on that thread, must be short, and may arm again.
/// </summary>
internal sealed class EpollLoop : IDisposable
{
    private readonly SafeFileHandle _epoll = Libc.EpollCreate();
    private readonly SafeFileHandle _wake = Libc.EventDescriptor();
    private readonly ConcurrentDictionary<long, Action> _callbacks = new();
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly Lock _gate = new();
    private readonly Thread _thread;
    private long _lastId;
    private volatile bool _stopping;

    public EpollLoop(string name)
    {
        Libc.EpollAdd(_epoll, _wake, PollEvents.Readable, oneShot: false, 0);
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Adds a descriptor; its first event calls <paramref name="callback"/> once. The number that is returned
    /// names the registration; it is never 0.</summary>
    public long Add(SafeFileHandle descriptor, PollEvents events, Action callback)
    {
        var id = Interlocked.Increment(ref _lastId);
        _callbacks[id] = callback;
        try
        {
            Libc.EpollAdd(_epoll, descriptor, events, oneShot: true, id);
        }
        catch
        {
            _callbacks.TryRemove(id, out _);
            throw;
        }

        return id;
    }

    /// <summary>Waits for the next event of a descriptor whose callback has been called.</summary>
    public void Rearm(SafeFileHandle descriptor, PollEvents events, long id) => Libc.EpollRearm(_epoll, descriptor, events, id);

    /// <summary>Forgets a descriptor; the kernel has done so already if it is closed. A callback that has begun may still
    /// end afterwards.</summary>
    public void Remove(SafeFileHandle descriptor, long id)
    {
        if (_callbacks.TryRemove(id, out _) && !descriptor.IsClosed) Libc.EpollRemove(_epoll, descriptor);
    }

    /// <summary>Calls <paramref name="action"/> soon, on the loop's thread, after the callbacks of events that are there
    /// already; never when the loop has ended, since a signal may come at any time.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        lock (_gate)
        {
            if (!_stopping) Libc.Signal(_wake);
        }
    }

    /// <summary>Ends the thread; callbacks that have not been called never are.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stopping) return;
            _stopping = true;
            Libc.Signal(_wake);
        }

        if (Thread.CurrentThread != _thread) _thread.Join();
        _epoll.Dispose();
        _wake.Dispose();
    }

    private void Run()
    {
        Span<long> ready = stackalloc long[64];
        while (!_stopping)
        {
            var count = Libc.EpollWait(_epoll, ready);
            foreach (var id in ready[..count])
            {
                if (id != 0 && _callbacks.TryGetValue(id, out var callback)) callback();
            }

            if (!ready[..count].Contains(0)) continue;
            Libc.Drain(_wake);
            while (!_stopping && _posted.TryDequeue(out var action)) action();
        }
    }
}

/// <summary>epoll(7), eventfd(2).</summary>
internal static partial class Libc
{
    private const int EPOLL_CLOEXEC = 0x80000, EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3;
    private const uint EPOLLONESHOT = 1u << 30;
    private const int EFD_CLOEXEC = 0x80000, EFD_NONBLOCK = 0x800;

    /// <summary><c>struct epoll_event</c> is packed on x86-64 only: events at 0, data at 4 there and at 8 elsewhere.</summary>
    private static readonly int EpollDataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    internal static SafeFileHandle EpollCreate() => CheckHandle(EpollCreate1(EPOLL_CLOEXEC), "epoll_create1");

    internal static SafeFileHandle EventDescriptor() => CheckHandle(EventFd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");

    internal static void EpollAdd(SafeFileHandle epoll, SafeFileHandle descriptor, PollEvents events, bool oneShot, long id) =>
        EpollControl(epoll, EPOLL_CTL_ADD, descriptor, (uint)events | (oneShot ? EPOLLONESHOT : 0), id);

    internal static void EpollRearm(SafeFileHandle epoll, SafeFileHandle descriptor, PollEvents events, long id) =>
        EpollControl(epoll, EPOLL_CTL_MOD, descriptor, (uint)events | EPOLLONESHOT, id);

    internal static void EpollRemove(SafeFileHandle epoll, SafeFileHandle descriptor) =>
        EpollControl(epoll, EPOLL_CTL_DEL, descriptor, 0, 0);

    /// <summary>Waits for events and returns how many ids were written to <paramref name="ids"/>; 0 after a signal.</summary>
    internal static unsafe int EpollWait(SafeFileHandle epoll, Span<long> ids)
    {
        var size = EpollDataOffset + sizeof(long);
        Span<byte> events = stackalloc byte[size * ids.Length];
        int count;
        fixed (byte* p = events) count = EpollWait(epoll, p, ids.Length, -1);
        if (count < 0 && Marshal.GetLastPInvokeError() == EINTR) return 0;
        Check(count, "epoll_wait");
        for (var i = 0; i < count; i++) ids[i] = BinaryPrimitives.ReadInt64LittleEndian(events[((i * size) + EpollDataOffset)..]);
        return count;
    }

    /// <summary>Makes an event descriptor readable.</summary>
    internal static unsafe void Signal(SafeFileHandle eventDescriptor)
    {
        ulong one = 1;
        if (Write(eventDescriptor, &one, sizeof(ulong)) < 0 && Marshal.GetLastPInvokeError() != EAGAIN) Check(-1, "write", "eventfd");
    }

    /// <summary>Makes an event descriptor unreadable again.</summary>
    internal static unsafe void Drain(SafeFileHandle eventDescriptor)
    {
        ulong count;
        if (Read(eventDescriptor, &count, sizeof(ulong)) < 0 && Marshal.GetLastPInvokeError() != EAGAIN) Check(-1, "read", "eventfd");
    }

    private static unsafe void EpollControl(SafeFileHandle epoll, int operation, SafeFileHandle descriptor, uint events, long id)
    {
        Span<byte> data = stackalloc byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(data, events);
        BinaryPrimitives.WriteInt64LittleEndian(data[EpollDataOffset..], id);
        fixed (byte* p = data) Check(EpollControl(epoll, operation, descriptor, p), "epoll_ctl");
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int EpollCreate1(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static unsafe partial int EpollControl(SafeHandle epoll, int operation, SafeHandle descriptor, byte* epollEvent);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static unsafe partial int EpollWait(SafeHandle epoll, byte* events, int maximum, int timeout);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static unsafe partial nint Read(SafeHandle descriptor, void* data, nuint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint Write(SafeHandle descriptor, void* data, nuint length);
}
