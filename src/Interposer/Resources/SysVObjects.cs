using System.Globalization;
using System.Runtime.InteropServices;
using Vni.Actors.Resources;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Resources;

/// <summary>System V objects of the calling thread's IPC namespace, from <c>/proc/sysvipc</c> (sysvipc(7)) and semctl(2).</summary>
internal static partial class SysVObjects
{
    private const int GETALL = 13;

    /// <summary>A table without processes; to be called on a thread that has entered the namespace.</summary>
    public static ResourceTable Read() => new()
    {
        Semaphores = [.. Rows("sem").Select(r => new SemaphoreResource((int)r["semid"], (int)r["key"], Values((int)r["semid"], (int)r["nsems"]))).OrderBy(s => s.Id)],
        SharedMemory = [.. Rows("shm").Select(r => new SharedMemoryResource((int)r["shmid"], (int)r["key"], r["size"])).OrderBy(s => s.Id)],
        MessageQueues = [.. Rows("msg").Select(r => new MessageQueueResource((int)r["msqid"], (int)r["key"], r["qnum"], r["cbytes"])).OrderBy(q => q.Id)],
    };

    /// <summary>Lines of such a file, by the names in its first line.</summary>
    internal static IEnumerable<Dictionary<string, long>> Parse(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var names = Columns(lines[0]);
        foreach (var line in lines.Skip(1))
        {
            var row = new Dictionary<string, long>();
            foreach (var (name, value) in names.Zip(Columns(line)))
            {
                // Permissions are octal, and nobody asks for them.
                if (long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) row[name] = number;
            }

            yield return row;
        }
    }

    private static string[] Columns(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static IEnumerable<Dictionary<string, long>> Rows(string kind) => Parse(File.ReadAllText("/proc/sysvipc/" + kind));

    private static unsafe int[] Values(int id, int count)
    {
        var values = new ushort[count];
        fixed (ushort* p = values) Libc.Check(SemaphoreControl(id, 0, GETALL, p), "semctl GETALL", id.ToString());
        return Array.ConvertAll(values, v => (int)v);
    }

    // Variadic in C; on x86-64 and arm64 Linux a pointer argument is passed the same way.
    [LibraryImport("libc", EntryPoint = "semctl", SetLastError = true)]
    private static unsafe partial int SemaphoreControl(int id, int number, int command, ushort* values);
}
