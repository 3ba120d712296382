namespace Vni.Cluster.Messaging;

/// <summary>
/// A stream to or from a peer, in one direction. Whoever is on the other side may be slow, but not silent: a read or write
/// that takes longer than the limit fails. Failures of the connection are kept, to be told from those of whoever uses the stream.
/// </summary>
public sealed class StallGuardedStream : Stream
{
    private readonly Stream _inner;
    private readonly TimeSpan _limit;
    private readonly CancellationToken _ended;
    private readonly CancellationTokenSource _stall;
    private readonly CancellationTokenRegistration _registration;

    /// <param name="inner">The connection's stream; stays its owner's.</param>
    /// <param name="limit">Longest time of one read or write.</param>
    /// <param name="time">Time.</param>
    /// <param name="ended">Ends every read and write.</param>
    public StallGuardedStream(Stream inner, TimeSpan limit, TimeProvider time, CancellationToken ended)
    {
        (_inner, _limit, _ended) = (inner, limit, ended);
        _stall = new(Timeout.InfiniteTimeSpan, time);
        _registration = ended.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _stall);
    }

    /// <summary>What ended the connection; <c>null</c>: nothing yet.</summary>
    public IOException? Broken { get; private set; }

    /// <summary>Bytes that have gone through.</summary>
    public long Count { get; private set; }

    /// <inheritdoc />
    public override bool CanRead => _inner.CanRead;

    /// <inheritdoc />
    public override bool CanWrite => _inner.CanWrite;

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
        var read = _inner.ReadAsync(buffer, _stall.Token);
        var count = read.IsCompletedSuccessfully ? read.Result : await GuardAsync(read, "read", cancellationToken);
        Count += count;
        return count;
    }

    /// <inheritdoc />
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var write = _inner.WriteAsync(buffer, _stall.Token);
        if (write.IsCompletedSuccessfully) write.GetAwaiter().GetResult();
        else await GuardAsync(WithoutResultAsync(write), "write", cancellationToken);
        Count += buffer.Length;
    }

    /// <inheritdoc />
    public override async Task FlushAsync(CancellationToken cancellationToken) =>
        await GuardAsync(WithoutResultAsync(new ValueTask(_inner.FlushAsync(_stall.Token))), "write", cancellationToken);

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
    public override void Flush() => FlushAsync(CancellationToken.None).GetAwaiter().GetResult();

    /// <inheritdoc />
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc />
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _registration.Dispose();
            _stall.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task<int> GuardAsync(ValueTask<int> operation, string what, CancellationToken cancellationToken)
    {
        using var caller = cancellationToken == _ended
            ? default
            : cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _stall);
        _stall.CancelAfter(_limit);
        try
        {
            var count = await operation;
            _stall.CancelAfter(Timeout.InfiniteTimeSpan);
            return count;
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested || _ended.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken.IsCancellationRequested ? cancellationToken : _ended);
        }
        catch (OperationCanceledException e)
        {
            throw Broken = new IOException($"the other side did not let one {what} come to its end within {_limit.TotalSeconds:0.#} s", e);
        }
        catch (Exception e) when (e is not (ArgumentException or NotSupportedException))
        {
            throw Broken = e as IOException ?? new IOException(e.Message, e);
        }
    }

    private static async ValueTask<int> WithoutResultAsync(ValueTask operation)
    {
        await operation;
        return 0;
    }
}
