namespace Vni.Actors.Resources;

/// <summary>What a resource id (RID) names. One table each [C3]. Names are written in lower case, words joined by hyphens:
/// <c>message-queue</c>.</summary>
public enum ResourceType
{
    /// <summary>A process, by pid.</summary>
    Process,

    /// <summary>A thread, by tid.</summary>
    Thread,

    /// <summary>A process group, by pgid.</summary>
    ProcessGroup,

    /// <summary>A session, by sid.</summary>
    Session,

    /// <summary>A SysV semaphore set, by id; sysvipc(7).</summary>
    Semaphore,

    /// <summary>A SysV shared memory segment, by id.</summary>
    SharedMemory,

    /// <summary>A SysV message queue, by id.</summary>
    MessageQueue,

    /// <summary>A POSIX message queue, by name; mq_overview(7).</summary>
    PosixMessageQueue,

    /// <summary>A POSIX shared memory object or named semaphore, by name; shm_overview(7).</summary>
    PosixSharedMemory,

    /// <summary>A TCP socket that listens or is connected.</summary>
    Tcp,

    /// <summary>A UDP socket that is bound or connected.</summary>
    Udp,

    /// <summary>A unix socket.</summary>
    UnixSocket,

    /// <summary>A pseudo-terminal; pty(7).</summary>
    Pty,

    /// <summary>A network interface.</summary>
    Interface,

    /// <summary>A mount, by its mount point.</summary>
    Mount,

    /// <summary>A cgroup.</summary>
    Cgroup,

    /// <summary>A path that a rule redirects, or a file.</summary>
    Path,
}
