using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Vni.Interposer.Linux;

/// <summary>Reading <c>/proc</c>, see proc(5). What has ended meanwhile is left out.</summary>
internal static partial class ProcFile
{
    private const int O_RDONLY = 0, O_CLOEXEC = 0x80000, Usual = 8192;

    /// <summary>Pids of this process's children, ended ones included, of all its threads.</summary>
    public static IReadOnlyList<int> Children()
    {
        var children = new List<int>();
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            foreach (var pid in (TryRead(Path.Combine(thread, "children")) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                children.Add(int.Parse(pid, CultureInfo.InvariantCulture));
            }
        }

        return children;
    }

    /// <summary>The whole of a file of <c>/proc</c>; <c>null</c> when its process has ended (<c>ENOENT</c> before, <c>ESRCH</c> after it
    /// was opened). An instance may have thousands of them, hence open(2) and read(2) and nothing else.</summary>
    public static unsafe string? TryRead(string path)
    {
        var file = Open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) return null;
        var buffer = ArrayPool<byte>.Shared.Rent(Usual);
        try
        {
            for (var length = 0; ;)
            {
                nint read;
                fixed (byte* p = buffer) read = Read(file, p + length, (nuint)(buffer.Length - length));
                if (read == 0) return Encoding.UTF8.GetString(buffer, 0, length);
                if (read < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR) continue;
                if (read < 0) return null;
                length += (int)read;
                if (length == buffer.Length) buffer = Grow(buffer);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            _ = Close(file);
        }
    }

    private static byte[] Grow(byte[] full)
    {
        var larger = ArrayPool<byte>.Shared.Rent(full.Length * 2);
        full.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(full);
        return larger;
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static unsafe partial nint Read(int file, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
