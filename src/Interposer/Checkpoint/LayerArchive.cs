using Vni.Actors;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint;

/// <summary>
/// The instance's layer as one file, by GNU tar: everything that overlayfs means something by is kept (whiteouts, which are
/// character devices 0:0, and <c>trusted.overlay</c> attributes), and numeric owners, ACLs, attributes, hard links, holes and
/// times to the nanosecond. Sockets are left out: CRIU binds them anew.
/// </summary>
internal static class LayerArchive
{
    private const string Tar = "/usr/bin/tar";
    private static readonly string[] Attributes = ["--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner", "--sparse"];

    /// <summary>tar's words for a full disk; the last is about a write that was cut short.</summary>
    private static readonly string[] NoSpace = ["No space left on device", "Disk quota exceeded", "Wrote only"];

    /// <summary>Writes the archive of a layer that nobody changes meanwhile.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NoSpace"/>, <see cref="ErrorCodes.DumpFailed"/>.</exception>
    public static async Task SaveAsync(IProcessSpawner spawner, string upper, string archive)
    {
        string[] arguments = ["--create", "--format=posix", "--file", archive, "--directory", upper, .. Attributes, "--warning=no-file-ignored", "."];
        var (status, output) = await Tool.RunAsync(spawner, Tar, arguments).ConfigureAwait(false);
        if (status != 0) throw Failure(ErrorCodes.DumpFailed, $"layer {upper} could not be saved", output);
    }

    /// <summary>Fills an empty directory from an archive whose digest has been checked.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NoSpace"/>, <see cref="ErrorCodes.RestoreFailed"/>.</exception>
    public static async Task ExtractAsync(IProcessSpawner spawner, string archive, string directory)
    {
        string[] arguments = ["--extract", "--file", archive, "--directory", directory, .. Attributes, "--same-owner", "--same-permissions", "--delay-directory-restore"];
        var (status, output) = await Tool.RunAsync(spawner, Tar, arguments).ConfigureAwait(false);
        if (status != 0) throw Failure(ErrorCodes.RestoreFailed, $"layer {archive} could not be unpacked into {directory}", output);
    }

    private static VniException Failure(string code, string what, string output)
    {
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return NoSpace.Any(words => output.Contains(words, StringComparison.Ordinal))
            ? new VniException(ErrorCodes.NoSpace, $"{what}: no space is left; free some and try again")
            : new VniException(code, $"{what}: {string.Join("; ", lines.Take(3))}");
    }
}
