using System.Text.Json.Serialization;
using Vni.Actors.Interposition;

namespace Vni.Actors.Messages;

/// <summary>A node as users and programs see it.</summary>
public sealed record NodeView
{
    /// <summary>Its name.</summary>
    public required string Node { get; init; }

    /// <summary><c>up</c>, <c>leaving</c> (being drained), or <c>down</c> (its lease has expired, and applications still name it).</summary>
    public required string Status { get; init; }

    /// <summary>Where it answers, <c>host:port</c>; <c>null</c>: nowhere but on its own machine.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Whether its scheduler acts for the farm.</summary>
    public bool Leader { get; init; }

    /// <summary>Applications whose processes run there.</summary>
    public int Running { get; init; }

    /// <summary>Applications of it in all.</summary>
    public int Applications { get; init; }

    /// <summary>Processors.</summary>
    public int Cpus { get; init; }

    /// <summary>Bytes of memory.</summary>
    public long Memory { get; init; }

    /// <summary>Version of its daemon.</summary>
    public string Version { get; init; } = "";

    /// <summary>As <c>uname -r</c> gives it.</summary>
    public string Kernel { get; init; } = "";

    /// <summary>CRIU's version.</summary>
    public string Criu { get; init; } = "";

    /// <summary>Model name of its processor.</summary>
    public string Cpu { get; init; } = "";

    /// <summary>As configured.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>When it joined; <c>null</c> for one that is down.</summary>
    public DateTimeOffset? Joined { get; init; }
}

/// <summary>The farm at a glance.</summary>
public sealed record ClusterView
{
    /// <summary>Its name.</summary>
    public required string Farm { get; init; }

    /// <summary>The node that was asked.</summary>
    public required string Node { get; init; }

    /// <summary>The node whose scheduler acts; <c>null</c>: none at the moment.</summary>
    public string? Leader { get; init; }

    /// <summary><c>sqlite</c>, <c>lighthouse</c> or <c>etcd</c>.</summary>
    public required string Registry { get; init; }

    /// <summary>Version of the registry's server.</summary>
    public string RegistryVersion { get; init; } = "";

    /// <summary>The registry's addresses, the one in use first; empty: in the daemon.</summary>
    public IReadOnlyList<string> Seeds { get; init; } = [];

    /// <summary>Revision of the registry.</summary>
    public long Revision { get; init; }

    /// <summary>Time that a silent node is given, in seconds.</summary>
    public double LeaseSeconds { get; init; }

    /// <summary>All nodes, in order of name.</summary>
    public IReadOnlyList<NodeView> Nodes { get; init; } = [];

    /// <summary>Number of applications by status.</summary>
    public IReadOnlyDictionary<string, int> Applications { get; init; } = new Dictionary<string, int>();
}

/// <summary>The body of <c>POST /v1/applications/AID/migrate</c>.</summary>
/// <param name="Node">Where to.</param>
/// <param name="TimeoutSeconds">How long it may take before it is rolled back; default 60.</param>
/// <param name="DryRun">Only says what would block it.</param>
/// <param name="WaitSeconds">How long a moment that cannot be saved is waited for; <c>null</c>: as the node is configured.</param>
/// <param name="CloseVisitors">Whether programs of <c>vni exec</c> are ended; else they block it.</param>
public sealed record MigrateRequest(
    string Node, double TimeoutSeconds = 60, bool DryRun = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? WaitSeconds = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool CloseVisitors = false);

/// <summary>The answer to <c>migrate</c>.</summary>
public sealed record MigrationView
{
    /// <summary>The application, as it is now.</summary>
    public required ApplicationView Application { get; init; }

    /// <summary>Where it was.</summary>
    public required string From { get; init; }

    /// <summary>Where it is, or would go.</summary>
    public required string To { get; init; }

    /// <summary>Whether it only was asked what would happen.</summary>
    public bool DryRun { get; init; }

    /// <summary>What would block it, one sentence each; empty: nothing. Only in the answer to a dry run: else a block is an error.</summary>
    public IReadOnlyList<string> Blockers { get; init; } = [];

    /// <summary>Durations of its phases, in order, as the source saw them.</summary>
    public IReadOnlyList<Phase> Phases { get; init; } = [];

    /// <summary>Time from the freeze to the resumption, in milliseconds; 0 for one that was not running.</summary>
    public double FreezeMilliseconds { get; init; }

    /// <summary>Frames that had arrived meanwhile and were delivered.</summary>
    public int FramesHeld { get; init; }

    /// <summary>Bytes sent while it was frozen.</summary>
    public long Bytes { get; init; }

    /// <summary>Visitors that were ended for it.</summary>
    public IReadOnlyList<ClosedVisitor> ClosedVisitors { get; init; } = [];
}

/// <summary>The body of <c>POST /v1/nodes/NODE/drain</c> and <c>leave</c>, which may be absent.</summary>
/// <param name="WaitSeconds">As in <see cref="MigrateRequest"/>, of each application.</param>
/// <param name="CloseVisitors">As in <see cref="MigrateRequest"/>.</param>
public sealed record DrainRequest(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? WaitSeconds = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool CloseVisitors = false);

/// <summary>Progress of draining a node: one line of NDJSON each.</summary>
/// <param name="Done">Applications that have left, or could not.</param>
/// <param name="Total">Applications that there were.</param>
/// <param name="Aid">The application that this is about; <c>null</c> in the last line.</param>
/// <param name="To">Where it went; <c>null</c>: it could not leave.</param>
/// <param name="Error">Why it could not; else <c>null</c>.</param>
public sealed record DrainProgress(int Done, int Total, string? Aid, string? To, ErrorBody? Error)
{
    /// <summary>Visitors of the application that were ended for it; absent where there were none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ClosedVisitor>? ClosedVisitors { get; init; }
}

/// <summary>Something that happened in the farm: one line of NDJSON each.</summary>
/// <param name="Time">When.</param>
/// <param name="Kind"><c>joined</c>, <c>left</c>, <c>down</c>, <c>leader</c>, or an application's new status.</param>
/// <param name="Node">The node that it is about.</param>
/// <param name="Aid">The application that it is about; else <c>null</c>.</param>
/// <param name="Message">One sentence.</param>
public sealed record FarmEvent(DateTimeOffset Time, string Kind, string Node, string? Aid, string Message);

/// <summary>Where an application's actor is.</summary>
/// <param name="Aid">The application.</param>
/// <param name="Node">The node that runs it or holds its snapshot.</param>
/// <param name="Epoch">Its epoch.</param>
/// <param name="Status">Its status.</param>
/// <param name="Owned">Whether the registry has an owner record for it: some node may run it now.</param>
public sealed record ShardView(string Aid, string Node, long Epoch, string Status, bool Owned);

/// <summary>A pair of the registry, for whoever looks into it.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">The value as text.</param>
/// <param name="Revision">When it was last changed.</param>
/// <param name="Lease">The lease it hangs on; 0: none.</param>
public sealed record RegistryPairView(string Key, string Value, long Revision, long Lease);
