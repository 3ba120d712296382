using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>Kinds of namespace that a thread of a multi-threaded process can enter, as clone(2) numbers them.</summary>
[Flags]
internal enum NamespaceKind
{
    /// <summary><c>CLONE_NEWIPC</c>.</summary>
    Ipc = 0x0800_0000,

    /// <summary><c>CLONE_NEWNET</c>.</summary>
    Network = 0x4000_0000,
}

/// <summary>Work inside other namespaces; see setns(2).</summary>
internal static partial class Namespaces
{
    private const int O_RDONLY = 0, O_CLOEXEC = 0x80000, StackSize = 256 * 1024;

    /// <summary>Opens a namespace of a process, which keeps it in being.</summary>
    /// <exception cref="LinuxException"><c>ENOENT</c>: the process has ended. <c>EACCES</c>: CAP_SYS_PTRACE is missing.</exception>
    public static SafeFileHandle Open(int pid, NamespaceKind kind) => Open($"/proc/{pid}/ns", kind);

    /// <summary>Opens the namespace of the calling thread.</summary>
    public static SafeFileHandle OpenOwn(NamespaceKind kind) => Open("/proc/thread-self/ns", kind);

    /// <summary>Runs work in a namespace of a process; see <see cref="Run{T}(SafeFileHandle, NamespaceKind, Func{T})"/>.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="kind">One kind, or several at once (Linux 5.8).</param>
    /// <param name="work">The work.</param>
    public static T Run<T>(int pid, NamespaceKind kind, Func<T> work)
    {
        using var handle = kind is NamespaceKind.Ipc or NamespaceKind.Network ? Open(pid, kind) : Libc.PidfdOpen(pid);
        return Run(handle, kind, work);
    }

    /// <summary>
    /// Runs work on a thread of its own that has entered a namespace, and waits for it. The thread ends with the work
    /// and never serves anything else. The work must be synchronous and start neither tasks nor threads: a thread made
    /// by that thread would stay in the namespace.
    /// </summary>
    /// <exception cref="LinuxException"><c>EPERM</c>: CAP_SYS_ADMIN is missing; or what the work throws.</exception>
    public static T Run<T>(SafeFileHandle handle, NamespaceKind kind, Func<T> work)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Libc.Check(SetNamespace(handle, (int)kind), "setns", kind.ToString());
                result = work();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        }, StackSize) { IsBackground = true, Name = $"setns {kind}" };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }

    /// <summary>The same for work without a result.</summary>
    public static void Run(SafeFileHandle handle, NamespaceKind kind, Action work) => Run(handle, kind, () =>
    {
        work();
        return true;
    });

    private static SafeFileHandle Open(string directory, NamespaceKind kind)
    {
        var path = $"{directory}/{(kind == NamespaceKind.Network ? "net" : "ipc")}";
        return Libc.CheckHandle(Open(path, O_RDONLY | O_CLOEXEC), "open", path);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(SafeFileHandle descriptor, int kind);
}
