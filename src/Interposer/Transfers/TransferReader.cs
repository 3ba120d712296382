using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Snapshots;

namespace Vni.Interposer.Transfers;

/// <summary>What becomes of the parts that arrive.</summary>
internal interface ITransferSink
{
    /// <summary>Whether a section of this name may come now; others are refused.</summary>
    bool Accepts(string section);

    /// <summary>The next part of a section; the memory is the reader's again when the method has returned.</summary>
    ValueTask AddAsync(string section, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    /// <summary>The section is complete and its digest is right.</summary>
    ValueTask CompleteAsync(string section, CancellationToken cancellationToken);
}

/// <summary>
/// Reads a transfer from a sender of whom nothing is believed: whatever is not exactly in order is a
/// <see cref="VniException"/>. The sender decides neither how much memory is taken for a frame nor how much comes in all.
/// </summary>
/// <param name="aid">For messages.</param>
/// <param name="from">The stream; it is read no further than its end mark.</param>
/// <param name="limit">Bytes of all sections together.</param>
/// <param name="sink">Takes what comes.</param>
internal sealed class TransferReader(Aid aid, Stream from, long limit, ITransferSink sink) : IDisposable
{
    private const int MaximumSections = 1 << 16;
    private readonly Dictionary<string, Section> _sections = new(StringComparer.Ordinal);
    private readonly byte[] _header = new byte[TransferStream.HeaderSize];
    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(64 << 10);
    private long _bytes;

    /// <summary>Sections with what was computed of them; to be asked after the end.</summary>
    public IReadOnlyList<SnapshotFile> Sections => [.. _sections.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => s.Value.Finish(s.Key))];

    /// <summary>Reads to the end mark; the manifest, or <c>null</c> if none came.</summary>
    public async Task<byte[]?> ReadAsync(CancellationToken cancellationToken)
    {
        byte[]? manifest = null;
        var magic = await FillAsync(TransferStream.Magic.Length, cancellationToken).ConfigureAwait(false);
        if (!magic.Span.SequenceEqual(TransferStream.Magic)) throw TransferStream.Refused(aid, "it does not begin as a stream of this version does");
        while (true)
        {
            await FillAsync(_header, cancellationToken).ConfigureAwait(false);
            var (kind, nameLength, length, offset) = ((FrameKind)_header[0], _header[1], BinaryPrimitives.ReadInt32LittleEndian(_header.AsSpan(4)), BinaryPrimitives.ReadInt64LittleEndian(_header.AsSpan(8)));
            if ((_header[2] | _header[3]) != 0 || (kind is FrameKind.Manifest or FrameKind.End && (nameLength != 0 || offset != 0))) throw TransferStream.Refused(aid, "it holds a frame that is none");
            if (manifest is not null && kind != FrameKind.End) throw TransferStream.Refused(aid, "something follows its manifest");
            var name = nameLength == 0 ? "" : Encoding.Latin1.GetString((await FillAsync(nameLength, cancellationToken).ConfigureAwait(false)).Span);
            switch (kind)
            {
                case FrameKind.Part when length is >= 0 and <= TransferStream.MaximumPart:
                    await PartAsync(name, offset, length, cancellationToken).ConfigureAwait(false);
                    break;
                case FrameKind.Digest when length == SHA256.HashSizeInBytes:
                    await DigestAsync(name, offset, cancellationToken).ConfigureAwait(false);
                    break;
                case FrameKind.Manifest when length is > 0 and <= TransferStream.MaximumManifest:
                    manifest = await ReadManifestAsync(length, cancellationToken).ConfigureAwait(false);
                    break;
                case FrameKind.End when length == 0:
                    return manifest;
                default:
                    throw TransferStream.Refused(aid, $"it holds a frame of kind {_header[0]} with {length} bytes, which none has");
            }
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var section in _sections.Values) section.Dispose();
    }

    private async Task PartAsync(string name, long offset, int length, CancellationToken cancellationToken)
    {
        var section = Find(name);
        if (offset != section.Length) throw TransferStream.Refused(aid, $"a part of {name} is missing: {section.Length} bytes have come, and the next part begins at {offset}");
        _bytes += length;
        if (_bytes > limit) throw TransferStream.Refused(aid, $"it is larger than was announced: more than {limit} bytes");
        var data = await FillAsync(length, cancellationToken).ConfigureAwait(false);
        section.Add(data.Span);
        await sink.AddAsync(name, offset, data, cancellationToken).ConfigureAwait(false);
    }

    private async Task DigestAsync(string name, long offset, CancellationToken cancellationToken)
    {
        var section = Find(name);
        var sha256 = Convert.ToHexStringLower((await FillAsync(SHA256.HashSizeInBytes, cancellationToken).ConfigureAwait(false)).Span);
        if (offset != section.Length || section.Finish(name).Sha256 != sha256) throw TransferStream.Refused(aid, $"{name} was altered on its way: its digest is another one");
        await sink.CompleteAsync(name, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Room is made as it comes, not as it is announced.</summary>
    private async Task<byte[]> ReadManifestAsync(int length, CancellationToken cancellationToken)
    {
        var manifest = new MemoryStream();
        while (manifest.Length < length)
        {
            manifest.Write((await FillAsync((int)Math.Min(TransferStream.BlockSize, length - manifest.Length), cancellationToken).ConfigureAwait(false)).Span);
        }

        return manifest.ToArray();
    }

    private Section Find(string name)
    {
        if (!_sections.TryGetValue(name, out var section))
        {
            if (!sink.Accepts(name)) throw TransferStream.Refused(aid, $"it names a part that has no place in it, '{Printable(name)}'");
            if (_sections.Count == MaximumSections) throw TransferStream.Refused(aid, $"it has more than {MaximumSections} files");
            _sections.Add(name, section = new Section());
        }

        return section.IsFinished ? throw TransferStream.Refused(aid, $"more of {name} comes after its end") : section;
    }

    private static string Printable(string name) => string.Concat(name.Select(c => char.IsControl(c) ? '?' : c));

    private async Task<ReadOnlyMemory<byte>> FillAsync(int length, CancellationToken cancellationToken)
    {
        if (_buffer.Length < length) _buffer = GC.AllocateUninitializedArray<byte>(TransferStream.MaximumPart);
        var wanted = _buffer.AsMemory(0, length);
        await FillAsync(wanted, cancellationToken).ConfigureAwait(false);
        return wanted;
    }

    private async Task FillAsync(Memory<byte> wanted, CancellationToken cancellationToken)
    {
        try
        {
            await from.ReadExactlyAsync(wanted, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is EndOfStreamException or IOException and not FileNotFoundException)
        {
            throw TransferStream.Refused(aid, e is EndOfStreamException ? "it ends in the middle" : $"it broke off ({e.Message})", e);
        }
    }

    private sealed class Section : IDisposable
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private SnapshotFile? _finished;

        public long Length { get; private set; }

        public bool IsFinished => _finished is not null;

        public void Add(ReadOnlySpan<byte> data)
        {
            _hash.AppendData(data);
            Length += data.Length;
        }

        public SnapshotFile Finish(string name) => _finished ??= new SnapshotFile(name, Length, Convert.ToHexStringLower(_hash.GetHashAndReset()));

        public void Dispose() => _hash.Dispose();
    }
}
