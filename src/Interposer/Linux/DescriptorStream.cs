using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>
/// A pipe or a terminal as a stream that waits without a thread. One reader and one writer at a time; the descriptor is
/// made non-blocking and is the stream's. A terminal that nobody has open any more reads as end of file.
/// </summary>
internal sealed class DescriptorStream : Stream
{
    private readonly SafeFileHandle _descriptor;
    private readonly EpollLoop _loop;
    private readonly bool _readable;
    private readonly byte[] _last;
    private TaskCompletionSource? _waiting;

    /// <param name="descriptor">The stream's from now on.</param>
    /// <param name="loop">Waits for it.</param>
    /// <param name="readable">Whether it is for reading, or for writing.</param>
    /// <param name="last">What is written before it is closed.</param>
    public DescriptorStream(SafeFileHandle descriptor, EpollLoop loop, bool readable, ReadOnlySpan<byte> last = default)
    {
        (_descriptor, _loop, _readable, _last) = (descriptor, loop, readable, last.ToArray());
        Libc.SetNonBlocking(descriptor);
    }

    /// <inheritdoc />
    public override bool CanRead => _readable;

    /// <inheritdoc />
    public override bool CanWrite => !_readable;

    /// <inheritdoc />
    public override bool CanSeek => false;

    /// <inheritdoc />
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc />
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc />
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (Libc.TryRead(_descriptor, buffer.Span) is { } length) return length;
            await WaitAsync(PollEvents.Readable, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0)
        {
            if (Libc.TryWrite(_descriptor, buffer.Span) is { } length) buffer = buffer[length..];
            else await WaitAsync(PollEvents.Writable, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc />
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc />
    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    /// <inheritdoc />
    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    /// <inheritdoc />
    public override void Flush()
    {
    }

    /// <inheritdoc />
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc />
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_descriptor.IsClosed)
        {
            if (_last.Length > 0) Libc.TryWrite(_descriptor, _last);
            _descriptor.Dispose();
            _waiting?.TrySetException(new ObjectDisposedException(nameof(DescriptorStream)));
        }

        base.Dispose(disposing);
    }

    private async Task WaitAsync(PollEvents events, CancellationToken cancellationToken)
    {
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting = ready;
        var registration = _loop.Add(_descriptor, events, () => ready.TrySetResult());
        try
        {
            await ready.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _loop.Remove(_descriptor, registration);
        }
    }
}
