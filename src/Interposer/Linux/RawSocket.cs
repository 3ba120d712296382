using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>
/// A datagram socket of a family that <see cref="System.Net.Sockets.Socket"/> does not speak, in the network namespace of
/// the thread that makes it, whoever uses it later. Blocking, close-on-exec.
/// </summary>
internal sealed partial class RawSocket : IDisposable
{
    /// <summary>Address families, from <c>bits/socket.h</c>.</summary>
    public const int AF_NETLINK = 16, AF_PACKET = 17;

    /// <summary>Socket types; see socket(2).</summary>
    public const int SOCK_RAW = 3, SOCK_CLOEXEC = 0x80000;

    private readonly SafeFileHandle _handle;
    private readonly string _name;

    /// <param name="family">Address family.</param>
    /// <param name="protocol">Protocol, as socket(2) takes it.</param>
    /// <param name="name">What errors call the socket.</param>
    public RawSocket(int family, int protocol, string name)
    {
        _name = name;
        _handle = Libc.CheckHandle(Socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol), "socket", name);
    }

    /// <summary>Sets an option whose value is an <c>int</c>.</summary>
    public void SetOption(int level, int option, int value) =>
        SetOption(level, option, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));

    /// <summary>Sets an option whose value is a structure.</summary>
    public unsafe void SetOption(int level, int option, ReadOnlySpan<byte> value)
    {
        fixed (byte* bytes = value)
        {
            Libc.Check(SetSocketOption(_handle, level, option, bytes, (uint)value.Length), "setsockopt", _name);
        }
    }

    /// <summary>Sends one datagram to an address in the kernel's layout (<c>sockaddr_nl</c>, <c>sockaddr_ll</c>); waits
    /// while the send buffer is full.</summary>
    public unsafe void Send(ReadOnlySpan<byte> data, ReadOnlySpan<byte> address)
    {
        fixed (byte* bytes = data, to = address)
        {
            long sent;
            do sent = SendTo(_handle, bytes, (nuint)data.Length, 0, to, (uint)address.Length);
            while (sent < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);
            Libc.Check(sent, "sendto", _name);
        }
    }

    /// <summary>Waits for one datagram; returns its length.</summary>
    public unsafe int Receive(Span<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            long received;
            do received = Receive(_handle, bytes, (nuint)buffer.Length, 0);
            while (received < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);
            return (int)Libc.Check(received, "recv", _name);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _handle.Dispose();

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static unsafe partial int SetSocketOption(SafeFileHandle socket, int level, int option, byte* value, uint length);

    [LibraryImport("libc", EntryPoint = "sendto", SetLastError = true)]
    private static unsafe partial long SendTo(SafeFileHandle socket, byte* data, nuint length, int flags, byte* address, uint addressLength);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static unsafe partial long Receive(SafeFileHandle socket, byte* data, nuint length, int flags);
}
