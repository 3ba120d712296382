using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>Starts programs.</summary>
internal interface IProcessSpawner
{
    /// <summary>
    /// Starts a program with an empty signal mask, default signal actions, a session of its own, a minimal environment
    /// (<c>PATH</c> only), and no descriptor but the given ones; of 0 to 2 those not given are <c>/dev/null</c>.
    /// </summary>
    /// <param name="path">Path of the program; it is not looked up in <c>PATH</c>.</param>
    /// <param name="arguments"><c>argv[1]</c> and following; <c>argv[0]</c> is the path.</param>
    /// <param name="descriptors">Under which number the child finds which of our descriptors. They stay ours.</param>
    /// <param name="workingDirectory">Default: the daemon's.</param>
    /// <exception cref="LinuxException">The program cannot be executed.</exception>
    SpawnedProcess Spawn(
        string path, IReadOnlyList<string> arguments, IReadOnlyList<(int ChildFd, SafeHandle Handle)> descriptors, string? workingDirectory = null);
}

/// <summary>Starts programs with posix_spawn(3): the runtime's own state is not copied, and a failed exec is reported here.</summary>
internal sealed class ProcessSpawner(PidfdWatcher watcher) : IProcessSpawner
{
    private static readonly string[] Environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];

    /// <inheritdoc />
    public SpawnedProcess Spawn(
        string path, IReadOnlyList<string> arguments, IReadOnlyList<(int ChildFd, SafeHandle Handle)> descriptors, string? workingDirectory = null)
    {
        var last = descriptors.Count == 0 ? 2 : Math.Max(2, descriptors.Max(d => d.ChildFd));
        var copies = new List<(int ChildFd, SafeFileHandle Copy)>();
        try
        {
            // Copies above all numbers that the child will use: a dup2 must not overwrite the source of a later one.
            foreach (var (childFd, handle) in descriptors) copies.Add((childFd, Libc.DuplicateAbove(handle, last + 1)));
            return watcher.Start(() => Spawn(path, [path, .. arguments], copies, last, workingDirectory));
        }
        finally
        {
            foreach (var (_, copy) in copies) copy.Dispose();
        }
    }

    private static int Spawn(string path, string[] argv, List<(int ChildFd, SafeFileHandle Copy)> descriptors, int last, string? workingDirectory)
    {
        using var actions = new SpawnFileActions();
        if (workingDirectory is not null) actions.ChangeDirectory(workingDirectory);
        for (var fd = 0; fd <= last; fd++)
        {
            if (descriptors.Find(d => d.ChildFd == fd) is { Copy: { } copy }) actions.Duplicate(copy, fd);
            else if (fd <= 2) actions.OpenNull(fd);
            else actions.Close(fd);
        }

        actions.CloseFrom(last + 1);
        return Libc.PosixSpawn(path, actions, argv, Environment);
    }
}

/// <summary><c>posix_spawn_file_actions_t</c>: what a child does with descriptors before it executes its program.</summary>
internal sealed unsafe class SpawnFileActions : IDisposable
{
    // 80 bytes in glibc; only the C library knows what is in it.
    private const int Size = 256;

    // Since glibc 2.34. Without it close-on-exec, which the runtime sets on all it opens, does the same.
    private static readonly delegate* unmanaged<void*, int, int> CloseFromAction =
        NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "posix_spawn_file_actions_addclosefrom_np", out var address)
            ? (delegate* unmanaged<void*, int, int>)address
            : null;

    private readonly void* _actions = NativeMemory.AllocZeroed(Size);

    public SpawnFileActions() => Check(Libc.SpawnActionsInit(_actions), "posix_spawn_file_actions_init");

    internal void* Pointer => _actions;

    public void Duplicate(SafeFileHandle source, int target) => Check(Libc.SpawnActionsDuplicate(_actions, source, target), "posix_spawn_file_actions_adddup2");

    public void OpenNull(int target) => Check(Libc.SpawnActionsOpen(_actions, target, "/dev/null", Libc.O_RDWR, 0), "posix_spawn_file_actions_addopen");

    public void Close(int target) => Check(Libc.SpawnActionsClose(_actions, target), "posix_spawn_file_actions_addclose");

    public void ChangeDirectory(string path) => Check(Libc.SpawnActionsChangeDirectory(_actions, path), "posix_spawn_file_actions_addchdir_np", path);

    public void CloseFrom(int first)
    {
        if (CloseFromAction != null) Check(CloseFromAction(_actions, first), "posix_spawn_file_actions_addclosefrom_np");
    }

    public void Dispose()
    {
        _ = Libc.SpawnActionsDestroy(_actions);
        NativeMemory.Free(_actions);
    }

    private static void Check(int error, string call, string? obj = null)
    {
        if (error != 0) throw new LinuxException(error, call, obj);
    }
}

/// <summary>posix_spawn(3) and its relatives, which return an error number and leave <c>errno</c> alone.</summary>
internal static partial class Libc
{
    /// <summary>Flags of open(2) on x86-64 and arm64 that are the same on both.</summary>
    internal const int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CLOEXEC = 0x80000;

    private const int F_DUPFD_CLOEXEC = 1030;
    private const short POSIX_SPAWN_SETSIGDEF = 0x04, POSIX_SPAWN_SETSIGMASK = 0x08, POSIX_SPAWN_SETSID = 0x80;

    /// <summary>glibc's <c>posix_spawnattr_t</c> has 336 bytes, <c>sigset_t</c> 128.</summary>
    private const int SpawnAttributesSize = 512, SignalSetSize = 128;

    /// <summary>A close-on-exec copy with a number of at least <paramref name="first"/>.</summary>
    internal static SafeFileHandle DuplicateAbove(SafeHandle handle, int first) => CheckHandle(FileControl(handle, F_DUPFD_CLOEXEC, first), "fcntl", "F_DUPFD_CLOEXEC");

    internal static unsafe int PosixSpawn(string path, SpawnFileActions actions, string[] argv, string[] environment)
    {
        // Every bit: glibc keeps two signals to itself, which sigfillset leaves out and which would start ignored.
        var allSignals = stackalloc byte[SignalSetSize];
        new Span<byte>(allSignals, SignalSetSize).Fill(0xff);
        var noSignals = stackalloc byte[SignalSetSize];
        new Span<byte>(noSignals, SignalSetSize).Clear();
        var attributes = stackalloc byte[SpawnAttributesSize];
        CheckError(SpawnAttributesInit(attributes), "posix_spawnattr_init");
        try
        {
            CheckError(SpawnAttributesSetDefault(attributes, allSignals), "posix_spawnattr_setsigdefault");
            CheckError(SpawnAttributesSetMask(attributes, noSignals), "posix_spawnattr_setsigmask");
            CheckError(SpawnAttributesSetFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID), "posix_spawnattr_setflags");
            using var arguments = new StringVector(argv);
            using var variables = new StringVector(environment);
            CheckError(PosixSpawn(out var pid, path, actions.Pointer, attributes, arguments.Pointer, variables.Pointer), "posix_spawn", path);
            return pid;
        }
        finally
        {
            _ = SpawnAttributesDestroy(attributes);
        }
    }

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    internal static unsafe partial int SpawnActionsInit(void* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    internal static unsafe partial int SpawnActionsDestroy(void* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_adddup2")]
    internal static unsafe partial int SpawnActionsDuplicate(void* actions, SafeHandle source, int target);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addclose")]
    internal static unsafe partial int SpawnActionsClose(void* actions, int target);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addopen", StringMarshalling = StringMarshalling.Utf8)]
    internal static unsafe partial int SpawnActionsOpen(void* actions, int target, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addchdir_np", StringMarshalling = StringMarshalling.Utf8)]
    internal static unsafe partial int SpawnActionsChangeDirectory(void* actions, string path);

    private static void CheckError(int error, string call, string? obj = null)
    {
        if (error != 0) throw new LinuxException(error, call, obj);
    }

    /// <summary>A <c>char **</c> that ends with a null pointer.</summary>
    private sealed unsafe class StringVector : IDisposable
    {
        private readonly nint[] _strings;
        private readonly nint* _vector;

        public StringVector(string[] strings)
        {
            _strings = Array.ConvertAll(strings, Marshal.StringToCoTaskMemUTF8);
            _vector = (nint*)NativeMemory.AllocZeroed((nuint)(strings.Length + 1), (nuint)sizeof(nint));
            _strings.CopyTo(new Span<nint>(_vector, strings.Length));
        }

        public nint* Pointer => _vector;

        public void Dispose()
        {
            foreach (var text in _strings) Marshal.FreeCoTaskMem(text);
            NativeMemory.Free(_vector);
        }
    }

    [LibraryImport("libc", EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int PosixSpawn(out int pid, string path, void* actions, void* attributes, nint* argv, nint* environment);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_init")]
    private static unsafe partial int SpawnAttributesInit(void* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_destroy")]
    private static unsafe partial int SpawnAttributesDestroy(void* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setflags")]
    private static unsafe partial int SpawnAttributesSetFlags(void* attributes, short flags);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigdefault")]
    private static unsafe partial int SpawnAttributesSetDefault(void* attributes, void* signals);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigmask")]
    private static unsafe partial int SpawnAttributesSetMask(void* attributes, void* signals);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FileControl(SafeHandle descriptor, int command, int argument);
}
