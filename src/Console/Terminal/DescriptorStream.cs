using System.Runtime.InteropServices;
using Vni.Cli.Output;

namespace Vni.Cli.Terminal;

/// <summary>
/// A standard stream: plain read(2) and write(2), so that two streams on one file keep their order, and a closed pipe is an
/// error. Reading can be cancelled without losing a byte: it waits in poll(2).
/// </summary>
internal sealed class DescriptorStream(int fd) : WriteOnlyStream
{
    public override bool CanRead => true;

    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            nint written;
            fixed (byte* p = buffer) written = Libc.Write(fd, p, (nuint)buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            var errno = Marshal.GetLastPInvokeError();
            // A terminal that another program has left non-blocking.
            if (errno == Libc.EAGAIN) Wait(Libc.POLLOUT, CancellationToken.None);
            else if (errno != Libc.EINTR) throw Libc.Error("write");
        }
    }

    public override unsafe int Read(Span<byte> buffer)
    {
        while (true)
        {
            nint count;
            fixed (byte* p = buffer) count = Libc.Read(fd, p, (nuint)buffer.Length);
            if (count >= 0) return (int)count;
            var errno = Marshal.GetLastPInvokeError();
            if (errno == Libc.EAGAIN) Wait(Libc.POLLIN, CancellationToken.None);
            else if (errno != Libc.EINTR) throw Libc.Error("read");
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        new(Task.Run(
            () =>
            {
                Wait(Libc.POLLIN, cancellationToken);
                return Read(buffer.Span);
            },
            cancellationToken));

    private unsafe void Wait(short events, CancellationToken cancellationToken)
    {
        var wake = Libc.EventFd(0, Libc.EFD_CLOEXEC);
        if (wake < 0) throw Libc.Error("eventfd");
        try
        {
            // Disposing the registration waits for a callback that runs, so the descriptor is not closed under it.
            using var registration = cancellationToken.Register(() => Signal(wake));
            var fds = stackalloc PollFd[2];
            fds[0] = new PollFd { Fd = fd, Events = events };
            fds[1] = new PollFd { Fd = wake, Events = Libc.POLLIN };
            while (Libc.Poll(fds, 2, -1) < 0)
            {
                if (Marshal.GetLastPInvokeError() != Libc.EINTR) throw Libc.Error("poll");
            }

            cancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            _ = Libc.Close(wake);
        }
    }

    private static unsafe void Signal(int wake)
    {
        long one = 1;
        _ = Libc.Write(wake, (byte*)&one, sizeof(long));
    }
}
