using Microsoft.Win32.SafeHandles;
using Vni.Actors;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Transfers;

/// <summary>
/// Sends a layer in passes: the first while its application runs, later ones send what has changed since. Files are read
/// through no link, whatever the application moves meanwhile, and what is noted of one is what was true of the very file that
/// was read; so no change between two passes is overlooked. No program is started: a pass over an unchanged layer costs a walk.
/// </summary>
internal sealed class LayerSender(string upper, TransferWriter writer, TimeProvider clock)
{
    private readonly LayerRecordWriter _record = new();
    private readonly byte[] _block = GC.AllocateUninitializedArray<byte>(TransferStream.BlockSize);

    /// <summary>Sends what the target does not have.</summary>
    /// <param name="pass">Number of the pass, from 0.</param>
    /// <param name="former">What the target has.</param>
    /// <param name="mapped">Paths of files that processes may have written through a mapping, of which no time tells.</param>
    /// <param name="still">Whether nobody can change the layer meanwhile: then an entry that does is an error.</param>
    /// <param name="cancellationToken">Leaves a stream that is of no use.</param>
    public async Task<LayerLedger> SendAsync(int pass, LayerLedger former, IReadOnlySet<string> mapped, bool still, CancellationToken cancellationToken)
    {
        var section = TransferStream.Layer + pass;
        var began = (clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
        using var root = Libc.OpenDirectory(upper);
        var entries = Walk(root);
        var present = new Dictionary<string, LayerMark?>(entries.Count);
        foreach (var entry in entries) present[entry.Path] = LayerMark.Of(entry.Status);
        foreach (var path in former.Entries.Keys)
        {
            // Of a tree that is gone its top is enough.
            if (present.ContainsKey(path) || new LayerEntry(path, default).Parent is not { } parent || (former.Entries.ContainsKey(parent) && !present.ContainsKey(parent))) continue;
            await WriteAsync(section, _record.Begin(LayerRecordKind.Deleted).Name(path), cancellationToken).ConfigureAwait(false);
        }

        var changed = Changed(entries, former, mapped);
        var links = new Dictionary<ulong, string>();
        using var directories = new DirectoryCache(root);
        foreach (var entry in entries)
        {
            if (!changed.Contains(entry.Path)) continue;
            // What is in a directory that could not be sent has no place at the target yet.
            var sent = (entry.Parent is not { } parent || present[parent] is not null) && await SendAsync(section, directories, entry, links, cancellationToken).ConfigureAwait(false);
            if (sent) continue;
            if (still) throw new VniException(ErrorCodes.DumpFailed, $"layer {upper} could not be sent: {entry.Path} changed although its application is frozen; find out who writes there");
            present[entry.Path] = null;
        }

        await writer.CompleteAsync(section, cancellationToken).ConfigureAwait(false);
        return new LayerLedger(began, present);
    }

    /// <summary>Bytes of all files of a layer, and a little for each entry; 0 where there is none.</summary>
    public static long Measure(string upper)
    {
        if (!Directory.Exists(upper)) return 0;
        using var root = Libc.OpenDirectory(upper);
        return Walk(root).Sum(e => 512 + ((e.Status.Mode & Libc.S_IFMT) == Libc.S_IFREG ? (long)e.Status.Size : 0));
    }

    /// <summary>Every entry but sockets, which CRIU binds anew: directories before what is in them.</summary>
    internal static List<LayerEntry> Walk(SafeFileHandle root)
    {
        var found = new List<LayerEntry> { new(".", Libc.LookAt(root)) };
        Walk(root, "", found);
        return found;
    }

    private static void Walk(SafeFileHandle directory, string prefix, List<LayerEntry> found)
    {
        foreach (var (name, _) in Libc.ListEntries(directory))
        {
            if (Libc.LookAt(directory, name) is not { } status || (status.Mode & Libc.S_IFMT) == Libc.S_IFSOCK) continue;
            var entry = new LayerEntry(prefix + ByteName.Of(name.AsSpan(0, name.Length - 1)), status);
            found.Add(entry);
            if (!entry.IsDirectory) continue;
            try
            {
                using var below = Libc.OpenEntry(directory, name);
                if (below is not null) Walk(below, entry.Path + "/", found);
            }
            catch (LinuxException e) when (e.Errno is Libc.ENOENT or Libc.ENOTDIR or Libc.ELOOP)
            {
                // Removed or replaced in this moment; the next pass sees by what.
            }
        }
    }

    /// <summary>What must be sent, closed under two rules: all names of a file go together, and with an entry go the
    /// directories above it, whose times its arrival changes at the target.</summary>
    private static HashSet<string> Changed(List<LayerEntry> entries, LayerLedger former, IReadOnlySet<string> mapped)
    {
        var changed = new HashSet<string>();
        var inodes = new HashSet<ulong>();
        foreach (var entry in entries)
        {
            if (former.Holds(entry.Path, LayerMark.Of(entry.Status)) && !mapped.Contains(entry.Path)) continue;
            changed.Add(entry.Path);
            if (entry is { IsDirectory: false, Status.Links: > 1 }) inodes.Add(entry.Status.Inode);
        }

        foreach (var entry in entries)
        {
            if (inodes.Contains(entry.Status.Inode)) changed.Add(entry.Path);
        }

        foreach (var path in changed.ToList())
        {
            for (var parent = new LayerEntry(path, default).Parent; parent is not null && changed.Add(parent);) parent = new LayerEntry(parent, default).Parent;
        }

        return changed;
    }

    /// <summary>Sends one entry; <c>false</c>: it changed meanwhile, so what was sent of it, if anything, is worth nothing.</summary>
    private async Task<bool> SendAsync(string section, DirectoryCache directories, LayerEntry entry, Dictionary<ulong, string> links, CancellationToken cancellationToken)
    {
        var (directory, name) = directories.Find(entry);
        if (directory is null) return false;
        var type = entry.Status.Mode & Libc.S_IFMT;
        if (type != Libc.S_IFDIR && entry.Status.Links > 1 && !links.TryAdd(entry.Status.Inode, entry.Path))
        {
            await WriteAsync(section, _record.Begin(LayerRecordKind.HardLink).Name(entry.Path).Name(links[entry.Status.Inode]), cancellationToken).ConfigureAwait(false);
            return IsStill(directory, name, entry);
        }

        if (type == Libc.S_IFREG)
        {
            var sent = await SendFileAsync(section, directory, name, entry, cancellationToken).ConfigureAwait(false);
            if (sent is null) links.Remove(entry.Status.Inode);
            return sent == true;
        }

        var attributes = Libc.ReadAttributes(directory, name);
        switch (type)
        {
            case Libc.S_IFDIR:
                _record.Begin(LayerRecordKind.Directory).Name(entry.Path).Properties(entry.Status, attributes);
                break;
            case Libc.S_IFLNK:
                if (Libc.TryReadLink(directory, name) is not { } target)
                {
                    links.Remove(entry.Status.Inode);
                    return false;
                }

                _record.Begin(LayerRecordKind.Link).Name(entry.Path).Properties(entry.Status, attributes).Bytes(target);
                break;
            default:
                _record.Begin(LayerRecordKind.Node).Name(entry.Path).Properties(entry.Status, attributes).Number(entry.Status.NodeMajor).Number(entry.Status.NodeMinor);
                break;
        }

        if (!IsStill(directory, name, entry))
        {
            links.Remove(entry.Status.Inode);
            return false;
        }

        await WriteAsync(section, _record, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary><c>null</c>: nothing was sent.</summary>
    private async Task<bool?> SendFileAsync(string section, SafeFileHandle directory, byte[] name, LayerEntry entry, CancellationToken cancellationToken)
    {
        using var file = Libc.TryOpenFile(directory, name);
        if (file is null || LayerMark.Of(Libc.LookAt(file)) != LayerMark.Of(entry.Status)) return null;
        await WriteAsync(section, _record.Begin(LayerRecordKind.File).Name(entry.Path).Properties(entry.Status, Libc.ReadAttributes(directory, name)), cancellationToken).ConfigureAwait(false);
        for (long offset = 0, end = 0; ;)
        {
            if (offset >= end)
            {
                if (Libc.NextData(file, offset) is not { } data) break;
                (offset, end) = (data, Libc.NextHole(file, data));
            }

            var read = RandomAccess.Read(file, _block.AsSpan(0, (int)Math.Min(_block.Length, end - offset)), offset);
            if (read == 0) break;
            _record.Begin(LayerRecordKind.Content).Number(offset);
            await writer.WriteAsync(section, _record.Record, _block.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            offset += read;
        }

        await WriteAsync(section, _record.Begin(LayerRecordKind.FileEnd).Number((long)entry.Status.Size), cancellationToken).ConfigureAwait(false);
        return LayerMark.Of(Libc.LookAt(file)) == LayerMark.Of(entry.Status);
    }

    private static bool IsStill(SafeFileHandle directory, byte[] name, LayerEntry entry) => Libc.LookAt(directory, name) is { } now && LayerMark.Of(now) == LayerMark.Of(entry.Status);

    private Task WriteAsync(string section, LayerRecordWriter record, CancellationToken cancellationToken) => writer.WriteAsync(section, record.Record, default, cancellationToken);
}

/// <summary>The directory of an entry, open; the last one is kept, because entries come by directory.</summary>
internal sealed class DirectoryCache(SafeFileHandle root) : IDisposable
{
    private string? _path;
    private SafeFileHandle? _directory;

    /// <summary>The directory and the name in it; no directory: it is not there, or is reached through a link.</summary>
    public (SafeFileHandle? Directory, byte[] Name) Find(LayerEntry entry)
    {
        if (entry.Parent is not { } parent) return (root, ".\0"u8.ToArray());
        var name = ByteName.Terminated(parent == "." ? entry.Path : entry.Path[(parent.Length + 1)..]);
        if (parent == ".") return (root, name);
        if (_path == parent) return (_directory, name);
        Drop();
        try
        {
            _directory = Libc.OpenBeneath(root, ByteName.Terminated(parent), Libc.O_RDONLY | Libc.O_DIRECTORY);
            _path = parent;
            return (_directory, name);
        }
        catch (LinuxException e) when (e.Errno is Libc.ENOENT or Libc.ENOTDIR or Libc.ELOOP or Libc.EXDEV)
        {
            return (null, name);
        }
    }

    /// <summary>To be called when a directory was removed from another one, which stays open until it is asked for another.</summary>
    public void Forget(SafeFileHandle from)
    {
        if (!ReferenceEquals(from, _directory)) Drop();
    }

    private void Drop()
    {
        _directory?.Dispose();
        (_directory, _path) = (null, null);
    }

    public void Dispose() => Drop();
}
