namespace Vni.Interposer.Instances;

/// <summary>One thing to make in a layer. Paths are relative to the layer, without a slash in front.</summary>
internal abstract record LayerStep
{
    private LayerStep() { }

    /// <summary>A directory; an opaque one hides what the lower layer has there. One that exists gets mode and owner.
    /// <paramref name="Redirect"/>, an absolute path, is the lower layer's directory that is seen here instead of the one of
    /// the same name; <c>redirect_dir</c> in Documentation/filesystems/overlayfs.rst.</summary>
    public sealed record MakeDirectory(string Path, int Mode, int Uid, int Gid, bool Opaque, string? Redirect = null) : LayerStep;

    /// <summary>A character device, mknod(2).</summary>
    public sealed record Device(string Path, int Major, int Minor, int Mode) : LayerStep;

    /// <summary>Overlayfs's mark for "there is no such file", a character device 0/0.</summary>
    public sealed record Whiteout(string Path) : LayerStep;

    /// <summary>A symbolic link.</summary>
    public sealed record Link(string Path, string Target) : LayerStep;

    /// <summary>A file of root's.</summary>
    public sealed record Text(string Path, string Content, int Mode) : LayerStep;

    /// <summary>A copy of a file of the node.</summary>
    public sealed record CopyOf(string Path, string Source, int Mode, int Uid = 0, int Gid = 0) : LayerStep;

    /// <summary>Removes a file or tree, if there is one.</summary>
    public sealed record Remove(string Path) : LayerStep;
}

/// <summary>Carries the steps out; all of them need root.</summary>
internal interface ILayerWriter : IDisposable
{
    /// <summary>Carries one step out.</summary>
    void Apply(LayerStep step);
}
