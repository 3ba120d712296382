using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>
/// The daemon's end of a pair of connected <c>AF_UNIX</c> <c>SOCK_SEQPACKET</c> sockets (unix(7)): messages keep their
/// boundaries, and either end sees end of file when the other process dies. Messages are 1 to 65,536 bytes.
/// One receiver at a time.
/// </summary>
internal sealed class SeqPacketSocket : IDisposable
{
    private const int MaximumMessage = 65_536;
    private readonly Socket _socket;
    private readonly byte[] _first = new byte[1];

    private SeqPacketSocket(int descriptor) => _socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));

    /// <summary>Makes a pair, both ends close-on-exec. The child's end is to be given to a new process, then closed here:
    /// while it is open there is no end of file.</summary>
    public static (SeqPacketSocket Daemon, SafeFileHandle Child) CreatePair()
    {
        Span<int> pair = stackalloc int[2];
        Libc.SocketPair(pair);
        return (new SeqPacketSocket(pair[0]), new SafeFileHandle(pair[1], ownsHandle: true));
    }

    /// <summary>The next message; <c>null</c> when the other end is closed. Descriptors that come with it are closed.</summary>
    public async Task<byte[]?> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (await ReceiveWithDescriptorsAsync(cancellationToken).ConfigureAwait(false) is not { } message) return null;
        foreach (var descriptor in message.Descriptors) descriptor.Dispose();
        return message.Data;
    }

    /// <summary>The next message and the descriptors that came with it (<c>SCM_RIGHTS</c>), which the caller owns;
    /// <c>null</c> when the other end is closed.</summary>
    public async Task<(byte[] Data, SafeFileHandle[] Descriptors)?> ReceiveWithDescriptorsAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // Waits without a thread; the message itself is read by recvmsg, which alone can take descriptors.
            try
            {
                await _socket.ReceiveAsync(_first, SocketFlags.Peek, cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                return null; // The other end was closed with messages of ours unread.
            }

            if (TryReceive() is { } received) return received.Data.Length == 0 ? null : received;
        }
    }

    /// <summary>Sends one message; waits while the other end's queue is full.</summary>
    /// <exception cref="LinuxException"><c>EPIPE</c>: the other end is closed.</exception>
    public void Send(ReadOnlySpan<byte> data)
    {
        while (!Libc.TrySend(_socket.SafeHandle, data)) _socket.Poll(Timeout.InfiniteTimeSpan, SelectMode.SelectWrite);
    }

    /// <summary>Sends one message; <c>false</c>: the other end's queue is full.</summary>
    /// <exception cref="LinuxException"><c>EPIPE</c>: the other end is closed.</exception>
    public bool TrySend(ReadOnlySpan<byte> data) => Libc.TrySend(_socket.SafeHandle, data);

    /// <summary>Closes the daemon's end; the other sees end of file.</summary>
    public void Dispose() => _socket.Dispose();

    private (byte[] Data, SafeFileHandle[] Descriptors)? TryReceive()
    {
        Span<byte> buffer = stackalloc byte[MaximumMessage];
        return Libc.TryReceiveMessage(_socket.SafeHandle, buffer, out var length, out var descriptors)
            ? (buffer[..length].ToArray(), descriptors)
            : null;
    }
}

/// <summary>unix(7), recvmsg(2), cmsg(3).</summary>
internal static partial class Libc
{
    private const int AF_UNIX = 1, SOCK_SEQPACKET = 5, SOCK_CLOEXEC = 0x80000;
    private const int SOL_SOCKET = 1, SCM_RIGHTS = 1, MaximumDescriptors = 253; // SCM_MAX_FD
    private const int MSG_CTRUNC = 0x8, MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000, MSG_CMSG_CLOEXEC = 0x40000000;
    private const int ECONNRESET = 104, EMSGSIZE = 90;

    /// <summary>Makes two connected sockets, close-on-exec.</summary>
    internal static unsafe void SocketPair(Span<int> pair)
    {
        fixed (int* p = pair) Check(SocketPair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p), "socketpair");
    }

    /// <summary>Sends one message; <c>false</c>: the queue is full.</summary>
    internal static unsafe bool TrySend(SafeHandle socket, ReadOnlySpan<byte> data)
    {
        fixed (byte* p = data)
        {
            while (Send(socket, p, (nuint)data.Length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            {
                if (Marshal.GetLastPInvokeError() == EAGAIN) return false;
                if (Marshal.GetLastPInvokeError() != EINTR) Check(-1, "send");
            }
        }

        return true;
    }

    /// <summary>Receives one message; <c>false</c>: there is none now. Length 0: the other end is closed.</summary>
    internal static unsafe bool TryReceiveMessage(SafeHandle socket, Span<byte> data, out int length, out SafeFileHandle[] descriptors)
    {
        const int header = 16; // struct cmsghdr, aligned
        var control = stackalloc byte[header + (MaximumDescriptors * sizeof(int)) + header];
        descriptors = [];
        length = 0;
        MessageHeader message;
        fixed (byte* p = data)
        {
            var vector = new IoVector { Base = p, Length = (nuint)data.Length };
            nint result;
            do
            {
                message = new MessageHeader { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = header + (MaximumDescriptors * sizeof(int)) };
                result = ReceiveMessage(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            }
            while (result < 0 && Marshal.GetLastPInvokeError() == EINTR);
            if (result < 0 && Marshal.GetLastPInvokeError() == EAGAIN) return false;
            if (result < 0 && Marshal.GetLastPInvokeError() == ECONNRESET) return true;
            length = (int)Check(result, "recvmsg");
        }

        if (message.ControlLength >= header && *(int*)(control + 8) == SOL_SOCKET && *(int*)(control + 12) == SCM_RIGHTS)
        {
            var count = (int)(*(nuint*)control - header) / sizeof(int);
            descriptors = new SafeFileHandle[count];
            for (var i = 0; i < count; i++) descriptors[i] = new SafeFileHandle(((int*)(control + header))[i], ownsHandle: true);
        }

        if ((message.Flags & (MSG_TRUNC | MSG_CTRUNC)) == 0) return true;
        foreach (var descriptor in descriptors) descriptor.Dispose();
        throw new LinuxException(EMSGSIZE, "recvmsg", detail: "the message or its descriptors were cut");
    }

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    /// <summary><c>struct msghdr</c> of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static unsafe partial int SocketPair(int domain, int type, int protocol, int* pair);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static unsafe partial nint Send(SafeHandle socket, byte* data, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static unsafe partial nint ReceiveMessage(SafeHandle socket, MessageHeader* message, int flags);
}
