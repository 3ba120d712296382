namespace Vni.Actors;

/// <summary>A request that was refused or failed, said in one sentence, with a code that scripts can match.</summary>
/// <param name="code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="message">What failed, on which object, why, and what to do.</param>
/// <param name="inner">The cause, for the daemon's log.</param>
public sealed class VniException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Stable, lower case, words joined by <c>_</c>.</summary>
    public string Code { get; } = code;

    /// <summary>What keeps an instance from being saved, if that is the reason; else <c>null</c>.</summary>
    public IReadOnlyList<Interposition.Finding>? Findings { get; init; }
}

/// <summary>The codes of all refusals and failures. They are part of the API: none changes its meaning.</summary>
public static class ErrorCodes
{
    /// <summary>A name, address, size or declaration is not well-formed; the sentence lists every problem.</summary>
    public const string InvalidArgument = "invalid_argument";

    /// <summary>No application of that name.</summary>
    public const string NotFound = "not_found";

    /// <summary>The name is held by another application, or, of a program that joins, by another one of the same application.</summary>
    public const string NameInUse = "name_in_use";

    /// <summary>The address is held by another application, which the sentence names.</summary>
    public const string AddressInUse = "address_in_use";

    /// <summary>The hostname is held by another application, which the sentence names.</summary>
    public const string HostnameInUse = "hostname_in_use";

    /// <summary>The address is outside the configured range, or reserved in it.</summary>
    public const string AddressOutOfRange = "address_out_of_range";

    /// <summary>No free address is left in the range.</summary>
    public const string RangeExhausted = "range_exhausted";

    /// <summary>The application is in a state in which this cannot be done; the sentence names the state.</summary>
    public const string WrongState = "wrong_state";

    /// <summary>Another operation on the application is under way.</summary>
    public const string Busy = "busy";

    /// <summary>The command does not exist in the instance's root.</summary>
    public const string CommandNotFound = "command_not_found";

    /// <summary>The command exists but cannot be executed.</summary>
    public const string CommandNotExecutable = "command_not_executable";

    /// <summary>The root directory is missing or is not a directory.</summary>
    public const string RootNotFound = "root_not_found";

    /// <summary>The user is unknown in the instance's root.</summary>
    public const string UserNotFound = "user_not_found";

    /// <summary>The working directory does not exist in the instance's root.</summary>
    public const string WorkdirNotFound = "workdir_not_found";

    /// <summary>A process that was started did not get ready in its time; the sentence names it and why.</summary>
    public const string NotReady = "not_ready";

    /// <summary>A process holds something that cannot be saved; the sentence names process and reason.</summary>
    public const string NotDumpable = "not_dumpable";

    /// <summary>CRIU failed to dump; the sentence carries the decisive lines of its log.</summary>
    public const string DumpFailed = "dump_failed";

    /// <summary>CRIU failed to restore; the sentence carries the decisive lines of its log.</summary>
    public const string RestoreFailed = "restore_failed";

    /// <summary>After a restore some resource id differs from the snapshot's.</summary>
    public const string VerificationFailed = "verification_failed";

    /// <summary>There is no such resource id.</summary>
    public const string UnknownResource = "unknown_resource";

    /// <summary>The resource id exists on the node, but belongs to no application, or to another one.</summary>
    public const string ForeignResource = "foreign_resource";

    /// <summary>No such snapshot.</summary>
    public const string SnapshotNotFound = "snapshot_not_found";

    /// <summary>The manifest or an image is missing, truncated or altered; the sentence names the file.</summary>
    public const string SnapshotDamaged = "snapshot_damaged";

    /// <summary>The snapshot needs hardware, a kernel or files that this node has not; the sentence names the difference.</summary>
    public const string Incompatible = "incompatible";

    /// <summary>The file system that holds the snapshots is full.</summary>
    public const string NoSpace = "no_space";

    /// <summary>The node lacks something it needs (CRIU, a kernel feature, a privilege); <c>vni check</c> lists it.</summary>
    public const string NodeIncapable = "node_incapable";

    /// <summary>Someone else changed the application meanwhile, or owns it now.</summary>
    public const string Conflict = "conflict";

    /// <summary>Whoever asks may not: its certificate is another's, or of a role that does not give this command.</summary>
    public const string Forbidden = "forbidden";

    /// <summary>The daemon does not answer.</summary>
    public const string DaemonUnavailable = "daemon_unavailable";

    /// <summary>The registry does not answer, or has no leader: nothing was changed.</summary>
    public const string RegistryUnavailable = "registry_unavailable";

    /// <summary>A defect; the daemon's log has the details.</summary>
    public const string Internal = "internal";
}
