using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Transfers;

/// <summary>A state that has come whole.</summary>
internal sealed record ArrivedState(SnapshotManifest Manifest, string ManifestSha256, IReadOnlyList<ReadOnlyMemory<byte>> Frames);

/// <summary>What a target has of one hand-off.</summary>
internal sealed class Arrival(Aid aid, InstancePaths paths, InstanceFacts facts, bool ownsDirectory) : ITransferSink, IDisposable
{
    private const int Format = 1, MaximumHeld = 64 << 20;
    private readonly Dictionary<string, SafeFileHandle> _images = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SnapshotFile> _sections = new(StringComparer.Ordinal);
    private readonly MemoryStream _held = new();
    private LayerReceiver? _layer;
    private bool _acceptsState;
    private int _passes;

    public Aid Aid { get; } = aid;

    public InstancePaths Paths { get; } = paths;

    public InstanceFacts Facts { get; } = facts;

    /// <summary>Whether the instance's directory was made for this hand-off.</summary>
    public bool OwnsDirectory { get; } = ownsDirectory;

    /// <summary>Where images are; <c>null</c>: there is nothing to be run.</summary>
    public ImageStore? Store { get; set; }

    /// <summary>A CRIU that waits.</summary>
    public CriuSession? Criu { get; set; }

    /// <summary>Whether the instance runs, or its layer is in place.</summary>
    public bool IsDone { get; set; }

    public ArrivedState? State { get; private set; }

    /// <summary>Directory of the layer, beside its place; on the same file system as that.</summary>
    public string Layer { get; } = Path.Combine(paths.Directory, "arriving");

    public CriuSession? TakeCriu()
    {
        var criu = Criu;
        Criu = null;
        return criu;
    }

    /// <summary>Reads a stream to its end; the manifest, if one came.</summary>
    public async Task<byte[]?> ReceiveAsync(Stream from, long limit, bool acceptsState, CancellationToken cancellationToken)
    {
        _acceptsState = acceptsState;
        using var reader = new TransferReader(Aid, from, limit, this);
        var manifest = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (_layer is not null) throw TransferStream.Refused(Aid, "its layer is not complete");
        foreach (var section in reader.Sections) _sections[section.Name] = section;
        if (!acceptsState) Directory.CreateDirectory(Layer); // There may have been nothing to send.
        return manifest;
    }

    /// <summary>Compares the manifest with what has come.</summary>
    public void Accept(string handOff, byte[] data)
    {
        SnapshotManifest manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(data, VniJson.Default.SnapshotManifest) ?? throw new JsonException("it is empty");
        }
        catch (JsonException e)
        {
            throw TransferStream.Refused(Aid, $"its manifest is none ({e.Message})", e);
        }

        if (manifest.Format != Format || manifest.Aid != Aid || manifest.Id != handOff) throw TransferStream.Refused(Aid, $"its manifest is of {manifest.Id} of application {manifest.Aid}, in format {manifest.Format}");
        if (manifest.Files.Select(f => f.Name).Distinct(StringComparer.Ordinal).Count() != manifest.Files.Count) throw TransferStream.Refused(Aid, "its manifest names a file twice");
        foreach (var file in manifest.Files)
        {
            if (!_sections.TryGetValue(file.Name, out var came)) throw TransferStream.Refused(Aid, $"{file.Name} is missing");
            if (came != file) throw TransferStream.Refused(Aid, $"{file.Name} was altered on its way: {came.Size} bytes with digest {came.Sha256} came, and {file.Size} with {file.Sha256} were sent");
        }

        if (_sections.Count != manifest.Files.Count) throw TransferStream.Refused(Aid, "more came than its manifest names");
        CloseImages();
        State = new ArrivedState(manifest, Convert.ToHexStringLower(SHA256.HashData(data)), HeldFrames.Read(_held.ToArray()));
    }

    /// <inheritdoc />
    public bool Accepts(string section)
    {
        // A source that no longer knows what it has sent begins anew.
        if (section == TransferStream.Layer + 0 && _layer is null) ForgetLayer();
        return section == TransferStream.Layer + _passes || (_acceptsState && (section == TransferStream.Held || TransferStream.IsImage(section)));
    }

    /// <inheritdoc />
    public ValueTask AddAsync(string section, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (section.StartsWith(TransferStream.Layer, StringComparison.Ordinal))
        {
            (_layer ??= OpenLayer()).Apply(data.Span);
        }
        else if (section == TransferStream.Held)
        {
            if (offset + data.Length > MaximumHeld) throw TransferStream.Refused(Aid, "it holds more frames than a port can");
            _held.Write(data.Span);
        }
        else
        {
            WriteImage(section, offset, data.Span);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask CompleteAsync(string section, CancellationToken cancellationToken)
    {
        if (section != TransferStream.Layer + _passes) throw TransferStream.Refused(Aid, $"{section} is ended twice");
        using (_layer ??= OpenLayer()) _layer.Complete();
        _layer = null;
        _passes++;
        return ValueTask.CompletedTask;
    }

    /// <summary>Drops images, frames and manifest.</summary>
    public void ForgetState()
    {
        CloseImages();
        if (Store is not null && !IsDone)
        {
            foreach (var path in Directory.EnumerateFiles(Store.Images)) File.Delete(path);
        }

        foreach (var name in _sections.Keys.Where(n => !n.StartsWith(TransferStream.Layer, StringComparison.Ordinal)).ToList()) _sections.Remove(name);
        _held.SetLength(0);
        State = null;
    }

    /// <summary>Drops the layer.</summary>
    public void ForgetLayer()
    {
        _layer?.Dispose();
        _layer = null;
        _passes = 0;
        foreach (var name in _sections.Keys.Where(n => n.StartsWith(TransferStream.Layer, StringComparison.Ordinal)).ToList()) _sections.Remove(name);
        TreeRemoval.Remove(Layer);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _layer?.Dispose();
        CloseImages();
        Store?.Dispose();
        _held.Dispose();
    }

    private LayerReceiver OpenLayer()
    {
        if (_passes == 0) TreeRemoval.Remove(Layer);
        Directory.CreateDirectory(Layer);
        return new LayerReceiver(Layer);
    }

    private void WriteImage(string section, long offset, ReadOnlySpan<byte> data)
    {
        if (!_images.TryGetValue(section, out var image))
        {
            var store = Store ?? throw TransferStream.Refused(Aid, "it has processes, and none were announced");
            image = store.OpenImage(section[TransferStream.Images.Length..], isNew: offset == 0);
            if (section.StartsWith(TransferStream.Pages, StringComparison.Ordinal)) _images[section] = image; // The others come in few parts, and there are many.
        }

        RandomAccess.Write(image, data, offset);
        if (!_images.ContainsKey(section)) image.Dispose();
    }

    private void CloseImages()
    {
        foreach (var image in _images.Values) image.Dispose();
        _images.Clear();
    }
}
