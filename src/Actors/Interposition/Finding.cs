using System.Text.Json.Serialization;

namespace Vni.Actors.Interposition;

/// <summary>Something that keeps an instance from being saved; <c>docs/quiescing.md</c> lists all kinds.</summary>
/// <param name="Pid">The process, as the instance sees it; <c>null</c>: not of one that it sees.</param>
/// <param name="HostPid">The process, on the node; <c>null</c>: not about one process.</param>
/// <param name="Process">Its name; <c>null</c>: not about one process.</param>
/// <param name="Kind">One of <see cref="FindingKinds"/>.</param>
/// <param name="What">What it has or is in, with descriptor or path: what follows the process in a sentence.</param>
/// <param name="Remedy">What to do.</param>
/// <param name="Transient">Whether it goes away when the processes run on for a moment.</param>
public sealed record Finding(int? Pid, int? HostPid, string? Process, string Kind, string What, string Remedy, bool Transient = false)
{
    /// <summary>Who has what, and what to do: the half of a sentence.</summary>
    [JsonIgnore]
    public string Text => $"{Subject}{What}: {Remedy}";

    /// <summary>The process, and a blank behind it.</summary>
    [JsonIgnore]
    public string Subject => (Pid, HostPid) switch
    {
        ({ } pid, _) => $"process {pid} ({Process}) ",
        (null, { } pid) => $"node's process {pid} ({Process}) ",
        _ => "",
    };
}

/// <summary>Stable names of what is looked for: lower case, words joined by hyphens.</summary>
public static class FindingKinds
{
    /// <summary>An io_uring instance, open or mapped.</summary>
    public const string IoUring = "io-uring";

    /// <summary>An open device that is not one of the usual ones.</summary>
    public const string Device = "device";

    /// <summary>A kernel object without a name: a bpf map, userfaultfd, perf event, ...</summary>
    public const string KernelObject = "kernel-object";

    /// <summary>memfd_secret(2), open or mapped.</summary>
    public const string SecretMemory = "secret-memory";

    /// <summary>An inotify or fanotify watch whose file cannot be found again.</summary>
    public const string Watch = "watch";

    /// <summary>An open, mapped or executed file, or a working or root directory, on no mount of the instance.</summary>
    public const string OutsideFile = "outside-file";

    /// <summary>A file without a name that holds more than CRIU may put into its images.</summary>
    public const string LargeDeletedFile = "large-deleted-file";

    /// <summary>A socket of a family or protocol that cannot be saved.</summary>
    public const string Socket = "socket";

    /// <summary>A connection that nobody has accepted yet.</summary>
    public const string PendingConnection = "pending-connection";

    /// <summary>A unix socket that is connected to a process outside.</summary>
    public const string OutsidePeer = "outside-peer";

    /// <summary>A process that is being traced.</summary>
    public const string Traced = "traced";

    /// <summary>A process that waits inside the kernel and cannot be stopped.</summary>
    public const string Uninterruptible = "uninterruptible";

    /// <summary>A process whose main thread has ended.</summary>
    public const string DeadLeader = "dead-leader";

    /// <summary>A namespace of a process's own.</summary>
    public const string Namespace = "namespace";

    /// <summary>A process in a session or process group of the node.</summary>
    public const string Session = "session";

    /// <summary>A lock on the instance's files that a process outside holds.</summary>
    public const string OutsideLock = "outside-lock";

    /// <summary>POSIX message queues; mq_overview(7).</summary>
    public const string PosixMessageQueue = "posix-message-queue";

    /// <summary>A program that <c>vni exec</c> has started.</summary>
    public const string Visitor = "visitor";
}

/// <summary>How an instance is made quiet before it is saved.</summary>
/// <param name="Patience">How long passing moments that cannot be saved are waited for; <c>null</c>: the node's default.</param>
/// <param name="CloseVisitors">Whether visitors are ended; else they are a refusal.</param>
public sealed record Quiescing(TimeSpan? Patience = null, bool CloseVisitors = false)
{
    /// <summary>Longest patience that can be asked for, in seconds.</summary>
    public const double MaximumSeconds = 3600;

    /// <summary>As the node is configured, and visitors are a refusal.</summary>
    public static Quiescing Default { get; } = new();

    /// <summary>What a request asks for.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: <paramref name="seconds"/> is out of range.</exception>
    public static Quiescing Of(double? seconds, bool closeVisitors) => seconds is null or (>= 0 and <= MaximumSeconds)
        ? new Quiescing(seconds is { } given ? TimeSpan.FromSeconds(given) : null, closeVisitors)
        : throw new VniException(ErrorCodes.InvalidArgument, $"waitSeconds is {seconds}, but must be 0 to {MaximumSeconds}");
}

/// <summary>A visitor that was ended so that an instance could be saved.</summary>
/// <param name="Pid">As the instance saw it.</param>
/// <param name="HostPid">On the node.</param>
/// <param name="Command">Its command line.</param>
public sealed record ClosedVisitor(int Pid, int HostPid, string Command);
