using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>
/// A tap device (<c>Documentation/networking/tuntap.rst</c>): an Ethernet interface whose frames a program reads. It is
/// made in the network namespace of the calling thread and is gone when this object, or the process, is.
/// </summary>
internal sealed partial class Tap : IDisposable
{
    private const string Device = "/dev/net/tun";
    private const int O_RDWR = 2, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    private const ushort IFF_TAP = 0x0002, IFF_NO_PI = 0x1000;

    /// <summary>_IOW('T', 202, int), _IOW('T', 213, struct sock_fprog) of <c>linux/if_tun.h</c>.</summary>
    private const nuint TUNSETIFF = 0x400454CA, TUNATTACHFILTER = 0x401054D5;

    private readonly SafeFileHandle _handle;

    private Tap(SafeFileHandle handle, string name)
    {
        _handle = handle;
        Name = name;
    }

    /// <summary>Name of the interface.</summary>
    public string Name { get; }

    /// <summary>Makes the interface, down.</summary>
    /// <param name="name">At most 15 bytes.</param>
    /// <param name="filter">What is kept of the frames that the interface sends.</param>
    /// <exception cref="LinuxException"><c>ENOENT</c>, <c>ENODEV</c>: the kernel has no tap devices. <c>EPERM</c>:
    /// CAP_NET_ADMIN is missing. <c>EBUSY</c>: another process holds an interface of that name.</exception>
    public static unsafe Tap Create(string name, ReadOnlySpan<ClassicBpf> filter)
    {
        var tap = new Tap(Libc.CheckHandle(Open(Device, O_RDWR | O_NONBLOCK | O_CLOEXEC), "open", Device), name);
        try
        {
            // struct ifreq: 16 bytes of name, then a union of which the flags are the first two bytes.
            var request = stackalloc byte[40];
            new Span<byte>(request, 40).Clear();
            Encoding.UTF8.GetBytes(name, new Span<byte>(request, 15));
            *(ushort*)(request + 16) = IFF_TAP | IFF_NO_PI;
            Libc.Check(Control(tap._handle, TUNSETIFF, request), "ioctl TUNSETIFF", name);
            fixed (ClassicBpf* instructions = filter)
            {
                var program = new FilterProgram { Length = (ushort)filter.Length, Instructions = instructions };
                Libc.Check(Control(tap._handle, TUNATTACHFILTER, &program), "ioctl TUNATTACHFILTER", name);
            }

            return tap;
        }
        catch
        {
            tap.Dispose();
            throw;
        }
    }

    /// <summary>Takes the oldest waiting frame; returns its length, or 0 when none waits.</summary>
    public unsafe int Read(Span<byte> frame)
    {
        fixed (byte* buffer = frame)
        {
            while (true)
            {
                var length = Read(_handle, buffer, (nuint)frame.Length);
                if (length >= 0) return (int)length;
                if (Marshal.GetLastPInvokeError() == Libc.EAGAIN) return 0;
                if (Marshal.GetLastPInvokeError() != Libc.EINTR) Libc.Check(length, "read", Name);
            }
        }
    }

    /// <summary>Removes the interface and what waits in it.</summary>
    public void Dispose() => _handle.Dispose();

    /// <summary><c>struct sock_fprog</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct FilterProgram
    {
        public ushort Length;
        public ClassicBpf* Instructions;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static unsafe partial int Control(SafeFileHandle file, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static unsafe partial nint Read(SafeFileHandle file, byte* buffer, nuint length);
}
