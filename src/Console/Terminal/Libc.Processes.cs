using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace Vni.Cli.Terminal;

/// <summary>The calls that starting, awaiting and ending other programs need.</summary>
internal static partial class Libc
{
    public const int SIGKILL = 9;
    public const int SIGTERM = 15;
    public const int MNT_DETACH = 2;

    private const uint MFD_CLOEXEC = 1;
    private const short POSIX_SPAWN_SETSIGDEF = 0x04, POSIX_SPAWN_SETSIGMASK = 0x08, POSIX_SPAWN_SETSID = 0x80;

    // glibc: posix_spawnattr_t has 336 bytes, posix_spawn_file_actions_t 80, sigset_t 128.
    private const int AttributesSize = 512, ActionsSize = 256, SignalSetSize = 128;

    /// <summary>
    /// posix_spawn(3) with every signal as it is by default: this runtime ignores some, which a program would inherit.
    /// </summary>
    /// <param name="path">Of the program.</param>
    /// <param name="arguments">With its name first.</param>
    /// <param name="environment"><c>NAME=VALUE</c> each.</param>
    /// <param name="streams">What its descriptors 0 to 2 are copies of; empty: the same as ours.</param>
    /// <param name="session">Whether it gets a session of its own, out of reach of the terminal's signals.</param>
    /// <returns>The process's id.</returns>
    public static unsafe int Spawn(string path, IEnumerable<string> arguments, IEnumerable<string> environment, ReadOnlySpan<int> streams, bool session)
    {
        var attributes = stackalloc byte[AttributesSize];
        var actions = stackalloc byte[ActionsSize];
        var all = stackalloc byte[SignalSetSize];
        var none = stackalloc byte[SignalSetSize];
        new Span<byte>(all, SignalSetSize).Fill(0xff);
        new Span<byte>(none, SignalSetSize).Clear();
        using var argv = new TextVector(arguments);
        using var envp = new TextVector(environment);
        Check(SpawnAttributesInit(attributes), "posix_spawnattr_init");
        Check(SpawnActionsInit(actions), "posix_spawn_file_actions_init");
        try
        {
            Check(SpawnAttributesSetDefault(attributes, all), "posix_spawnattr_setsigdefault");
            Check(SpawnAttributesSetMask(attributes, none), "posix_spawnattr_setsigmask");
            var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (session ? POSIX_SPAWN_SETSID : 0);
            Check(SpawnAttributesSetFlags(attributes, (short)flags), "posix_spawnattr_setflags");
            for (var i = 0; i < streams.Length; i++) Check(SpawnActionsDuplicate(actions, streams[i], i), "posix_spawn_file_actions_adddup2");
            Check(PosixSpawn(out var pid, path, actions, attributes, argv.Pointer, envp.Pointer), $"posix_spawn '{path}'");
            return pid;
        }
        finally
        {
            _ = SpawnActionsDestroy(actions);
            _ = SpawnAttributesDestroy(attributes);
        }
    }

    /// <summary>waitpid(2): the exit status of a child, or 128 and the number of the signal that ended it. It blocks.</summary>
    public static int Wait(int pid)
    {
        int status;
        while (WaitPid(pid, out status, 0) < 0)
        {
            if (Marshal.GetLastPInvokeError() != EINTR) throw Error("waitpid");
        }

        var signal = status & 0x7f;
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal;
    }

    /// <summary>An unnamed file in memory.</summary>
    public static Microsoft.Win32.SafeHandles.SafeFileHandle MemoryFile(string name)
    {
        var fd = MemFdCreate(name, MFD_CLOEXEC);
        return fd >= 0 ? new Microsoft.Win32.SafeHandles.SafeFileHandle(fd, ownsHandle: true) : throw Error("memfd_create");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unmount(string path, int flags);

    /// <summary>rmdir(2): Directory.Delete first looks into a directory, and the kernel's files in a cgroup would be in its way.</summary>
    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int RemoveDirectory(string path);

    private static void Check(int error, string call)
    {
        if (error != 0) throw new IOException($"{call}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MemFdCreate(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    private static partial int WaitPid(int pid, out int status, int options);

    [LibraryImport("libc", EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int PosixSpawn(out int pid, string path, byte* actions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    private static unsafe partial int SpawnActionsInit(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    private static unsafe partial int SpawnActionsDestroy(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_adddup2")]
    private static unsafe partial int SpawnActionsDuplicate(byte* actions, int fd, int target);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_init")]
    private static unsafe partial int SpawnAttributesInit(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_destroy")]
    private static unsafe partial int SpawnAttributesDestroy(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setflags")]
    private static unsafe partial int SpawnAttributesSetFlags(byte* attributes, short flags);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigdefault")]
    private static unsafe partial int SpawnAttributesSetDefault(byte* attributes, byte* signals);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigmask")]
    private static unsafe partial int SpawnAttributesSetMask(byte* attributes, byte* signals);

    /// <summary>A <c>char **</c> that ends with a null pointer.</summary>
    private sealed unsafe class TextVector : IDisposable
    {
        private readonly byte*[] _texts;
        private readonly byte** _vector;

        public TextVector(IEnumerable<string> texts)
        {
            string[] all = [.. texts];
            _texts = new byte*[all.Length];
            _vector = (byte**)NativeMemory.AllocZeroed((nuint)(all.Length + 1), (nuint)sizeof(byte*));
            for (var i = 0; i < all.Length; i++) _vector[i] = _texts[i] = Utf8StringMarshaller.ConvertToUnmanaged(all[i]);
        }

        public byte** Pointer => _vector;

        public void Dispose()
        {
            foreach (var text in _texts) Utf8StringMarshaller.Free(text);
            NativeMemory.Free(_vector);
        }
    }
}
