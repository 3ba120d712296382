using System.Runtime.InteropServices;

namespace Vni.Cli.Terminal;

/// <summary>
/// The few calls that standard streams and terminals need; System.Console would read the terminal's description, change
/// its modes and hide a closed pipe. Constants are Linux's for x86-64 and ARM64.
/// </summary>
internal static partial class Libc
{
    public const int EINTR = 4;
    public const int EAGAIN = 11;
    public const int EPIPE = 32;
    public const short POLLIN = 1;
    public const short POLLOUT = 4;

    /// <summary><c>ioctl_tty(2)</c>.</summary>
    public const nuint TIOCGWINSZ = 0x5413;

    /// <summary><c>termios(3)</c>: after what was written has gone out.</summary>
    public const int TCSADRAIN = 1;

    /// <summary><c>eventfd(2)</c>.</summary>
    public const int EFD_CLOEXEC = 0x80000;

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static unsafe partial nint Read(int fd, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static unsafe partial nint Write(int fd, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static unsafe partial int Poll(PollFd* fds, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "isatty", SetLastError = true)]
    public static partial int IsATty(int fd);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static unsafe partial int Ioctl(int fd, nuint request, WindowSize* size);

    [LibraryImport("libc", EntryPoint = "tcgetattr", SetLastError = true)]
    public static partial int TcGetAttr(int fd, out Termios termios);

    [LibraryImport("libc", EntryPoint = "tcsetattr", SetLastError = true)]
    public static partial int TcSetAttr(int fd, int when, in Termios termios);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    public static partial void CfMakeRaw(ref Termios termios);

    /// <summary>What the last failed call said, with its name.</summary>
    public static IOException Error(string call)
    {
        var errno = Marshal.GetLastPInvokeError();
        var sentence = $"{call}: {Marshal.GetPInvokeErrorMessage(errno)}";
        return errno == EPIPE ? new OutputClosedException(sentence) : new IOException(sentence);
    }
}

/// <summary>Nobody reads our output any more, as in <c>vni logs AID | head</c>.</summary>
internal sealed class OutputClosedException(string message) : IOException(message);

/// <summary><c>struct pollfd</c>, poll(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollFd
{
    public int Fd;
    public short Events;
    public short Revents;
}

/// <summary><c>struct winsize</c>, ioctl_tty(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct WindowSize
{
    public ushort Rows;
    public ushort Columns;
    public ushort PixelWidth;
    public ushort PixelHeight;
}

/// <summary><c>struct termios</c>, termios(3): 60 bytes in glibc and musl; only libc looks into it.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct Termios
{
    public uint InputFlags;
}
