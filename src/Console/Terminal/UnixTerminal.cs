using System.Runtime.InteropServices;
using Vni.Client.Exec;

namespace Vni.Cli.Terminal;

/// <summary>The terminal behind standard input and output.</summary>
internal sealed class UnixTerminal : ITerminal
{
    public const int Input = 0;
    public const int Output = 1;
    public const int Error = 2;

    public TerminalSize? Size => SizeOf(Output);

    /// <summary>Size of the terminal behind a descriptor; <c>null</c> if there is none, or it does not know.</summary>
    public static unsafe TerminalSize? SizeOf(int fd)
    {
        WindowSize size;
        return Libc.Ioctl(fd, Libc.TIOCGWINSZ, &size) == 0 && size is { Columns: > 0, Rows: > 0 } ? new TerminalSize(size.Columns, size.Rows) : null;
    }

    public IDisposable EnterRaw() => new RawMode();

    public IDisposable OnResize(Action changed) => PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => changed());

    private sealed class RawMode : IDisposable
    {
        private readonly Termios _before;

        public RawMode()
        {
            if (Libc.TcGetAttr(Input, out _before) < 0) throw Libc.Error("tcgetattr");
            var raw = _before;
            Libc.CfMakeRaw(ref raw);
            if (Libc.TcSetAttr(Input, Libc.TCSADRAIN, raw) < 0) throw Libc.Error("tcsetattr");
        }

        // A terminal that is gone (a closed window) needs no modes.
        public void Dispose() => _ = Libc.TcSetAttr(Input, Libc.TCSADRAIN, _before);
    }
}
