using Microsoft.Win32.SafeHandles;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Transfers;

/// <summary>
/// Applies the records of a layer to a directory. They come from another node, and what is in the directory comes from the
/// application: so every path is resolved beneath it and through no link, and of devices only those are made that a layer can have.
/// </summary>
internal sealed class LayerReceiver : IDisposable
{
    private readonly SafeFileHandle _root;
    private readonly DirectoryCache _directories;
    private readonly List<(string Path, LayerProperties Properties)> _touched = [];
    private (string Path, SafeFileHandle File, LayerProperties Properties)? _file;

    /// <param name="directory">Exists; nobody else changes it.</param>
    public LayerReceiver(string directory)
    {
        _root = Libc.OpenDirectory(directory);
        _directories = new DirectoryCache(_root);
    }

    /// <summary>Applies one record.</summary>
    /// <exception cref="InvalidDataException">It is none, or names what cannot be.</exception>
    /// <exception cref="LinuxException">The file system refuses.</exception>
    public void Apply(ReadOnlySpan<byte> record)
    {
        var reader = new LayerRecordReader(record);
        var kind = reader.Kind();
        if (_file is not null && kind is not (LayerRecordKind.Content or LayerRecordKind.FileEnd)) throw new InvalidDataException("a file of the layer has no end");
        switch (kind)
        {
            case LayerRecordKind.Content:
                Write(reader.LongNumber(), reader.Rest());
                break;
            case LayerRecordKind.FileEnd:
                EndFile(reader.LongNumber());
                break;
            case LayerRecordKind.Deleted:
                // What was gone before it could be sent may be deleted with a directory that never came.
                if (_directories.Find(new LayerEntry(reader.Path(), default)) is ({ } from, var gone)) Remove(from, gone);
                break;
            case LayerRecordKind.Directory:
                MakeDirectory(reader.Path(), reader.Properties());
                break;
            case LayerRecordKind.File:
                BeginFile(reader.Path(), reader.Properties());
                break;
            case LayerRecordKind.HardLink:
                MakeHardLink(reader.Path(), reader.Path());
                break;
            case LayerRecordKind.Link:
                MakeLink(reader.Path(), reader.Properties(), reader.Bytes());
                break;
            case LayerRecordKind.Node:
                MakeNode(reader.Path(), reader.Properties(), reader.Number(), reader.Number());
                break;
            default:
                throw new InvalidDataException($"the layer holds a record of unknown kind {(byte)kind}");
        }

        reader.End();
    }

    /// <summary>Ends a pass: what arrived in a directory has changed its times, so they are set now, from below.</summary>
    public void Complete()
    {
        if (_file is not null) throw new InvalidDataException("a file of the layer has no end");
        for (var i = _touched.Count - 1; i >= 0; i--)
        {
            var (directory, name) = Find(_touched[i].Path);
            Dress(directory, name, _touched[i].Properties);
        }

        _touched.Clear();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _file?.File.Dispose();
        _directories.Dispose();
        _root.Dispose();
    }

    private (SafeFileHandle Directory, byte[] Name) Find(string path)
    {
        var (directory, name) = _directories.Find(new LayerEntry(path, default));
        return (directory ?? throw new InvalidDataException("the layer names an entry of a directory that is not there"), name);
    }

    private void MakeDirectory(string path, LayerProperties properties)
    {
        Expect(properties, Libc.S_IFDIR);
        var (directory, name) = Find(path);
        if (Libc.LookAt(directory, name) is { } there && (there.Mode & Libc.S_IFMT) == Libc.S_IFDIR)
        {
            foreach (var (attribute, _) in Libc.ReadAttributes(directory, name))
            {
                if (!properties.Attributes.Any(a => a.Name.AsSpan().SequenceEqual(attribute))) Libc.RemoveAttribute(directory, name, attribute);
            }
        }
        else
        {
            Remove(directory, name);
            Libc.MakeDirectory(directory, name);
        }

        _touched.Add((path, properties));
    }

    private void BeginFile(string path, LayerProperties properties)
    {
        Expect(properties, Libc.S_IFREG);
        var (directory, name) = Find(path);
        Remove(directory, name);
        _file = (path, Libc.CreateFile(directory, name), properties);
    }

    private void Write(long offset, ReadOnlySpan<byte> content)
    {
        if (_file is not { } file || offset < 0 || offset > long.MaxValue - content.Length) throw new InvalidDataException("the layer holds content of no file");
        RandomAccess.Write(file.File, content, offset);
    }

    private void EndFile(long size)
    {
        if (_file is not { } file || size < 0) throw new InvalidDataException("the layer ends a file that has not begun");
        using (file.File) Libc.SetLength(file.File, size, file.Path);
        _file = null;
        var (directory, name) = Find(file.Path);
        Dress(directory, name, file.Properties);
    }

    private void MakeHardLink(string path, string target)
    {
        var (from, targetName) = Find(target);
        if (Libc.LookAt(from, targetName) is not { } there || (there.Mode & Libc.S_IFMT) == Libc.S_IFDIR) throw new InvalidDataException("the layer links to a file that is not there");
        using var held = Libc.OpenBeneath(from, ".\0"u8.ToArray(), Libc.O_RDONLY | Libc.O_DIRECTORY); // The next look may close it.
        var (directory, name) = Find(path);
        Remove(directory, name);
        Libc.MakeHardLink(held, targetName, directory, name);
    }

    private void MakeLink(string path, LayerProperties properties, byte[] target)
    {
        Expect(properties, Libc.S_IFLNK);
        if (target.Length is 0 or > 4095 || target.Contains((byte)0)) throw new InvalidDataException("the layer holds an impossible link");
        var (directory, name) = Find(path);
        Remove(directory, name);
        Libc.MakeLink(directory, name, [.. target, 0]);
        Dress(directory, name, properties);
    }

    private void MakeNode(string path, LayerProperties properties, uint major, uint minor)
    {
        // Whiteouts, and the devices that every instance has.
        var allowed = properties.Type == Libc.S_IFIFO
            || (properties.Type == Libc.S_IFCHR_MODE && (major, minor) is (0, 0) or (1, 3) or (1, 5) or (1, 7) or (1, 8) or (1, 9) or (5, 0));
        if (!allowed) throw new InvalidDataException($"the layer holds a device ({major}:{minor}) that no instance has");
        var (directory, name) = Find(path);
        Remove(directory, name);
        Libc.MakeNode(directory, name, properties.Type | 0x180, major, minor);
        Dress(directory, name, properties);
    }

    private void Remove(SafeFileHandle directory, byte[] name)
    {
        if (name is [(byte)'.', 0]) throw new InvalidDataException("the layer replaces its own root");
        if (Libc.LookAt(directory, name) is not { } there) return;
        TreeRemoval.Remove(directory, name);
        if ((there.Mode & Libc.S_IFMT) == Libc.S_IFDIR) _directories.Forget(directory);
    }

    private static void Expect(LayerProperties properties, int type)
    {
        if (properties.Type != type) throw new InvalidDataException("an entry of the layer is of another type than it says");
    }

    private static void Dress(SafeFileHandle directory, byte[] name, LayerProperties properties)
    {
        Libc.Own(directory, name, properties.Uid, properties.Gid, properties.Mode);
        foreach (var (attribute, value) in properties.Attributes) Libc.SetAttribute(directory, name, attribute, value);
        Libc.SetTimes(directory, name, properties.Accessed, properties.AccessedNanoseconds, properties.Modified, properties.ModifiedNanoseconds);
    }
}
