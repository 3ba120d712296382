using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Vni.Actors.Snapshots;

namespace Vni.Interposer.Transfers;

/// <summary>
/// Writes a transfer: parts of several sections may alternate, each section's in order. Small parts are gathered, so that a
/// thousand small files are not a thousand writes.
/// </summary>
internal sealed class TransferWriter(Stream to) : IDisposable
{
    private const int GatherSize = 256 << 10;
    private readonly byte[] _gathered = GC.AllocateUninitializedArray<byte>(GatherSize);
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Dictionary<string, Section> _sections = new(StringComparer.Ordinal);
    private int _length;

    /// <summary>Bytes written, headers included.</summary>
    public long Bytes { get; private set; }

    /// <summary>Sections so far with their digests, in ordinal order of name; no more parts may follow.</summary>
    public IReadOnlyList<SnapshotFile> Complete() => [.. _sections.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => s.Value.Finish(s.Key))];

    /// <summary>Writes what a stream begins with.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await AppendAsync(TransferStream.Magic.ToArray(), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Writes the next part of a section: two pieces, of which the first may be empty.</summary>
    public async Task WriteAsync(string section, ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_sections.TryGetValue(section, out var known)) _sections.Add(section, known = new Section());
            await AppendAsync(Header(FrameKind.Part, section, known.Length, head.Length + data.Length), cancellationToken).ConfigureAwait(false);
            known.Add(head.Span);
            known.Add(data.Span);
            await AppendAsync(head, cancellationToken).ConfigureAwait(false);
            await AppendAsync(data, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Says that a section is complete; a section without a part is empty.</summary>
    public async Task<SnapshotFile> CompleteAsync(string section, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_sections.TryGetValue(section, out var known)) _sections.Add(section, known = new Section());
            var file = known.Finish(section);
            await AppendAsync(Header(FrameKind.Digest, section, known.Length, SHA256.HashSizeInBytes), cancellationToken).ConfigureAwait(false);
            await AppendAsync(Convert.FromHexString(file.Sha256), cancellationToken).ConfigureAwait(false);
            return file;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Writes the manifest, if there is one, and the end; flushes.</summary>
    public async Task EndAsync(ReadOnlyMemory<byte>? manifest, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (manifest is { } data)
            {
                await AppendAsync(Header(FrameKind.Manifest, "", 0, data.Length), cancellationToken).ConfigureAwait(false);
                await AppendAsync(data, cancellationToken).ConfigureAwait(false);
            }

            await AppendAsync(Header(FrameKind.End, "", 0, 0), cancellationToken).ConfigureAwait(false);
            await FlushAsync(cancellationToken).ConfigureAwait(false);
            await to.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var section in _sections.Values) section.Dispose();
        _turn.Dispose();
    }

    private static byte[] Header(FrameKind kind, string name, long offset, int length)
    {
        var header = new byte[TransferStream.HeaderSize + Encoding.ASCII.GetByteCount(name)];
        header[0] = (byte)kind;
        header[1] = (byte)Encoding.ASCII.GetBytes(name, header.AsSpan(TransferStream.HeaderSize));
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), length);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(8), offset);
        return header;
    }

    private async Task AppendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        Bytes += data.Length;
        if (_length + data.Length > GatherSize) await FlushAsync(cancellationToken).ConfigureAwait(false);
        if (data.Length > GatherSize / 2)
        {
            await FlushAsync(cancellationToken).ConfigureAwait(false);
            await to.WriteAsync(data, cancellationToken).ConfigureAwait(false);
            return;
        }

        data.CopyTo(_gathered.AsMemory(_length));
        _length += data.Length;
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_length == 0) return;
        await to.WriteAsync(_gathered.AsMemory(0, _length), cancellationToken).ConfigureAwait(false);
        _length = 0;
    }

    /// <summary>What has been written of a section.</summary>
    private sealed class Section : IDisposable
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private SnapshotFile? _finished;

        public long Length { get; private set; }

        public void Add(ReadOnlySpan<byte> data)
        {
            _hash.AppendData(data);
            Length += data.Length;
        }

        public SnapshotFile Finish(string name) => _finished ??= new SnapshotFile(name, Length, Convert.ToHexStringLower(_hash.GetHashAndReset()));

        public void Dispose() => _hash.Dispose();
    }
}
