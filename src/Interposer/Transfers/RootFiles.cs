using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Vni.Actors.Interposition;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Transfers;

/// <summary>Files of a root below the layers, by what tells one version from another. What was computed of a file is kept until
/// the file changes; nothing of it outlives the daemon.</summary>
internal static class RootFiles
{
    private const int MaximumKnown = 16 << 10;
    private static readonly ConcurrentDictionary<FileIdentity, NeededFile> Known = new();

    /// <summary>Looks at a file; <c>null</c>: there is no regular file of that name.</summary>
    /// <param name="root">The node's directory that is the instance's root.</param>
    /// <param name="path">Absolute, in that root; links in it are followed within the root.</param>
    /// <param name="cancellationToken">Ends the computing of a digest.</param>
    public static async Task<NeededFile?> FindAsync(string root, string path, CancellationToken cancellationToken)
    {
        using var file = Open(root, path);
        if (file is null) return null;
        var identity = FileIdentity.Of(file);
        if (Known.TryGetValue(identity, out var known)) return known with { Path = path };
        var buildId = ElfBuildId.Read(file);
        var sha256 = buildId is null ? await DigestAsync(file, cancellationToken).ConfigureAwait(false) : null;
        var found = new NeededFile(path, RandomAccess.GetLength(file), buildId, sha256);
        if (Known.Count >= MaximumKnown) Known.Clear();
        Known[identity] = found;
        return found;
    }

    /// <summary>How what is here differs from what is needed, as a phrase; <c>null</c>: not at all.</summary>
    public static string? Difference(NeededFile needed, NeededFile? here) => here switch
    {
        null => $"file {needed.Path} is missing here",
        _ when needed.BuildId != here.BuildId => $"file {needed.Path} differs: build id {needed.BuildId ?? "none"} at the source, {here.BuildId ?? "none"} here",
        _ when needed.Size != here.Size => $"file {needed.Path} differs: {needed.Size} bytes at the source, {here.Size} here",
        _ when needed.Sha256 != here.Sha256 => $"file {needed.Path} differs: its content is another one here",
        _ => null,
    };

    private static SafeFileHandle? Open(string root, string path)
    {
        using var directory = Libc.OpenDirectory(root);
        SafeFileHandle file;
        try
        {
            file = Libc.OpenInRoot(directory, Encoding.UTF8.GetBytes(path + '\0'));
        }
        catch (LinuxException e) when (e.Errno is Libc.ENOENT or Libc.ENOTDIR or Libc.ELOOP or Libc.EACCES or Libc.ENXIO or Libc.ENAMETOOLONG)
        {
            return null;
        }

        if (Libc.IsRegularFile(file)) return file;
        file.Dispose();
        return null;
    }

    private static async Task<string> DigestAsync(SafeFileHandle file, CancellationToken cancellationToken)
    {
        await using var content = new FileStream(new SafeFileHandle(file.DangerousGetHandle(), ownsHandle: false), FileAccess.Read, 1 << 20);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken).ConfigureAwait(false));
    }
}
