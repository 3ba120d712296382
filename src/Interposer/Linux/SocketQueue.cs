using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>Looking at what waits in another process's datagram socket, without taking it: pidfd_getfd(2), SO_PEEK_OFF of socket(7).</summary>
internal static partial class SocketQueue
{
    private const int SYS_pidfd_getfd = 438;
    private const int SOL_SOCKET = 1, SO_PEEK_OFF = 42;
    private const int MSG_PEEK = 0x02, MSG_DONTWAIT = 0x40;
    private const int LongestDatagram = 1 << 16, LongestAddress = 128;

    /// <summary>All waiting datagrams, oldest first; what waits still waits afterwards. One without content is seen the first time only.</summary>
    /// <param name="pid">The process, which must stand still.</param>
    /// <param name="descriptor">Its socket.</param>
    /// <param name="found">Gets the sender's address in the kernel's layout, and the datagram.</param>
    /// <exception cref="LinuxException">The socket cannot be had, or is none of the kind.</exception>
    public static unsafe void Peek(int pid, int descriptor, PeekedDatagram found)
    {
        using var process = Libc.PidfdOpen(pid);
        using var socket = Libc.CheckHandle((int)SystemCall(SYS_pidfd_getfd, process, descriptor, 0), "pidfd_getfd", $"{pid}, {descriptor}");
        int former = -1, start = 0;
        var size = (uint)sizeof(int);
        Libc.Check(GetSocketOption(socket, SOL_SOCKET, SO_PEEK_OFF, &former, &size), "getsockopt", "SO_PEEK_OFF");
        Libc.Check(SetSocketOption(socket, SOL_SOCKET, SO_PEEK_OFF, &start, sizeof(int)), "setsockopt", "SO_PEEK_OFF");
        try
        {
            var datagram = new byte[LongestDatagram];
            Span<byte> address = stackalloc byte[LongestAddress];
            fixed (byte* data = datagram, from = address)
            {
                while (true)
                {
                    var addressSize = (uint)LongestAddress;
                    var length = ReceiveFrom(socket, data, LongestDatagram, MSG_PEEK | MSG_DONTWAIT, from, &addressSize);
                    if (length < 0) break; // EAGAIN: that was all.
                    found(address[..(int)Math.Min(addressSize, LongestAddress)], datagram.AsSpan(0, (int)length));
                }
            }
        }
        finally
        {
            _ = SetSocketOption(socket, SOL_SOCKET, SO_PEEK_OFF, &former, sizeof(int));
        }
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long SystemCall(long number, SafeHandle process, long descriptor, long flags);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    private static unsafe partial int GetSocketOption(SafeFileHandle socket, int level, int option, int* value, uint* size);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static unsafe partial int SetSocketOption(SafeFileHandle socket, int level, int option, int* value, uint size);

    [LibraryImport("libc", EntryPoint = "recvfrom", SetLastError = true)]
    private static unsafe partial nint ReceiveFrom(SafeFileHandle socket, byte* data, nuint length, int flags, byte* address, uint* addressSize);
}

/// <summary>A datagram and its sender, as <c>sockaddr</c>; both are the callee's only during the call.</summary>
internal delegate void PeekedDatagram(ReadOnlySpan<byte> sender, ReadOnlySpan<byte> datagram);
