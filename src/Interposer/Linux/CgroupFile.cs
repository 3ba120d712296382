using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>The files of a cgroup: small texts, written with one write(2) each.</summary>
internal static class CgroupFile
{
    /// <exception cref="LinuxException">What the kernel refused, such as <c>ENODEV</c> or <c>EBUSY</c>.</exception>
    public static void Write(string directory, string name, string value)
    {
        var path = Path.Combine(directory, name);
        using var file = Libc.OpenForWriting(path);
        Libc.WriteAtOnce(file, Encoding.ASCII.GetBytes(value), path);
    }

    /// <summary>The content; <c>null</c> when the cgroup does not exist, or no more.</summary>
    public static string? TryRead(string directory, string name)
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, name));
        }
        catch (IOException)
        {
            return null; // ENOENT, or ENODEV when it was removed after it was opened.
        }
    }

    /// <summary>The number after a key in <c>cgroup.events</c>; <c>null</c> when there is no such key.</summary>
    public static int? ParseEvent(string text, string key)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.Length > key.Length + 1 && line.StartsWith(key) && line[key.Length] == ' ') return int.Parse(line[(key.Length + 1)..]);
        }

        return null;
    }

    /// <summary>Reads <c>cgroup.events</c> through a handle that is open for waiting; <c>null</c> when the cgroup is gone.</summary>
    public static int? ReadEvent(SafeFileHandle events, string key)
    {
        Span<byte> buffer = stackalloc byte[256];
        try
        {
            return ParseEvent(Encoding.ASCII.GetString(buffer[..RandomAccess.Read(events, buffer, 0)]), key);
        }
        catch (IOException)
        {
            return null; // ENODEV: removed.
        }
    }

    /// <summary>Removes a directory; nothing happens when it is gone.</summary>
    /// <exception cref="LinuxException"><c>EBUSY</c>: it has members or children.</exception>
    public static void RemoveDirectory(string path)
    {
        try
        {
            Libc.RemoveDirectory(path);
        }
        catch (LinuxException e) when (e.Errno == Libc.ENOENT)
        {
            // Someone was faster.
        }
    }
}
