using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>Pipes and terminals: pipe(2), fcntl(2), tty_ioctl(4).</summary>
internal static partial class Libc
{
    private const int F_GETFL = 3, F_SETFL = 4;
    private const nuint TIOCSWINSZ = 0x5414;

    /// <summary>A pipe, both ends close-on-exec.</summary>
    internal static unsafe (SafeFileHandle Read, SafeFileHandle Write) Pipe()
    {
        var ends = stackalloc int[2];
        Check(Pipe2(ends, O_CLOEXEC), "pipe2");
        return (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true));
    }

    internal static void SetNonBlocking(SafeFileHandle descriptor)
    {
        var flags = Check(FileControl(descriptor, F_GETFL, 0), "fcntl", "F_GETFL");
        Check(FileControl(descriptor, F_SETFL, flags | O_NONBLOCK), "fcntl", "F_SETFL");
    }

    /// <summary>Bytes read, 0 at the end of file; <c>null</c>: nothing to read yet. A terminal whose other side is closed
    /// says EIO, which is an end too.</summary>
    internal static unsafe int? TryRead(SafeFileHandle descriptor, Span<byte> buffer)
    {
        while (true)
        {
            nint length;
            fixed (byte* p = buffer) length = Read(descriptor, p, (nuint)buffer.Length);
            if (length >= 0) return (int)length;
            switch (Marshal.GetLastPInvokeError())
            {
                case EINTR: continue;
                case EAGAIN: return null;
                case EIO: return 0;
                default: Check(-1, "read"); break;
            }
        }
    }

    /// <summary>Bytes written; <c>null</c>: no room yet.</summary>
    /// <exception cref="LinuxException"><c>EPIPE</c>: nobody reads any more (SIGPIPE is ignored by the runtime).</exception>
    internal static unsafe int? TryWrite(SafeFileHandle descriptor, ReadOnlySpan<byte> buffer)
    {
        while (true)
        {
            nint length;
            fixed (byte* p = buffer) length = Write(descriptor, p, (nuint)buffer.Length);
            if (length >= 0) return (int)length;
            if (Marshal.GetLastPInvokeError() == EAGAIN) return null;
            if (Marshal.GetLastPInvokeError() != EINTR) Check(-1, "write");
        }
    }

    /// <summary>Sets the size of a terminal; its foreground processes are told with SIGWINCH.</summary>
    internal static unsafe void SetWindowSize(SafeFileHandle terminal, int columns, int rows)
    {
        var size = stackalloc ushort[4] { (ushort)rows, (ushort)columns, 0, 0 }; // struct winsize
        Check(InputOutputControl(terminal, TIOCSWINSZ, size), "ioctl", "TIOCSWINSZ");
    }

    [LibraryImport("libc", EntryPoint = "pipe2", SetLastError = true)]
    private static unsafe partial int Pipe2(int* ends, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static unsafe partial int InputOutputControl(SafeHandle descriptor, nuint request, void* argument);
}
