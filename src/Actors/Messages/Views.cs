using System.Text.Json.Serialization;
using Vni.Actors.Applications;
using Vni.Actors.Interposition;

namespace Vni.Actors.Messages;

/// <summary>An application as users and programs see it; field names are stable (<c>docs/api.md</c>).</summary>
public sealed record ApplicationView
{
    /// <summary>The name.</summary>
    public required string Aid { get; init; }

    /// <summary>Lower case: <c>starting</c>, <c>running</c>, <c>snapshotting</c>, <c>dormant</c>, <c>restoring</c>, <c>stopping</c>, <c>stopped</c>, <c>removing</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Why, for states that have a reason; else <c>null</c>.</summary>
    public string? Reason { get; init; }

    /// <summary>Virtual IPv4 address.</summary>
    public required string Ip { get; init; }

    /// <summary>Virtual IPv6 address; <c>null</c>: none.</summary>
    public string? Ip6 { get; init; }

    /// <summary>Virtual MAC.</summary>
    public required string Mac { get; init; }

    /// <summary>Virtual hostname.</summary>
    public required string Hostname { get; init; }

    /// <summary>The node that runs it or holds its snapshot.</summary>
    public required string Node { get; init; }

    /// <summary>Number of times that ownership has changed.</summary>
    public required long Epoch { get; init; }

    /// <summary>Virtual pids of its processes, in order; empty when none run.</summary>
    public required IReadOnlyList<int> Pids { get; init; }

    /// <summary>The newest complete snapshot, or <c>null</c>.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Its processes, with the node's pids.</summary>
    public IReadOnlyList<LiveProcess> Processes { get; init; } = [];

    /// <summary>The programs of the chain and those that joined, while it runs.</summary>
    public IReadOnlyList<ChainMember> Chain { get; init; } = [];

    /// <summary>Programs that have joined since it was started.</summary>
    public IReadOnlyList<ProcessDeclaration> Joined { get; init; } = [];

    /// <summary>How processes of a stopped application ended.</summary>
    public IReadOnlyList<ProcessExit> Exits { get; init; } = [];

    /// <summary>What was asked for.</summary>
    public required ApplicationDeclaration Declaration { get; init; }

    /// <summary>What its rules mean for it; <c>null</c>: it has none, or this is one of a list.</summary>
    public RulesView? Rules { get; init; }

    /// <summary>When it was first run (RFC 3339).</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>When its status last changed.</summary>
    public required DateTimeOffset Changed { get; init; }
}

/// <summary>A snapshot as users and programs see it.</summary>
public sealed record SnapshotView
{
    /// <summary>The snapshot's id.</summary>
    public required string Snapshot { get; init; }

    /// <summary>The application.</summary>
    public required string Aid { get; init; }

    /// <summary>The node whose disk holds it.</summary>
    public required string Node { get; init; }

    /// <summary>When the application was frozen.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>Whether it would survive a power failure by now.</summary>
    public required bool Durable { get; init; }

    /// <summary>The application's status after it was taken; only in the answer to <c>snapshot</c>.</summary>
    public string? Status { get; init; }

    /// <summary>Durations of its phases; only in the answer to <c>snapshot</c>.</summary>
    public IReadOnlyList<Phase> Phases { get; init; } = [];

    /// <summary>Visitors that were ended for it; only in the answer to <c>snapshot</c>.</summary>
    public IReadOnlyList<ClosedVisitor> ClosedVisitors { get; init; } = [];
}

/// <summary>The answer to <c>restore</c>.</summary>
/// <param name="Application">The application, running.</param>
/// <param name="Snapshot">The snapshot it came from.</param>
/// <param name="FramesHeld">Frames that had arrived meanwhile and were delivered.</param>
/// <param name="Phases">Durations of the phases.</param>
public sealed record RestoreView(ApplicationView Application, string Snapshot, int FramesHeld, IReadOnlyList<Phase> Phases)
{
    // What every answer about an application has, where scripts look for it in all of them.

    /// <inheritdoc cref="ApplicationView.Aid" />
    public string Aid => Application.Aid;

    /// <inheritdoc cref="ApplicationView.Status" />
    public string Status => Application.Status;

    /// <inheritdoc cref="ApplicationView.Ip" />
    public string Ip => Application.Ip;

    /// <inheritdoc cref="ApplicationView.Ip6" />
    public string? Ip6 => Application.Ip6;

    /// <inheritdoc cref="ApplicationView.Mac" />
    public string Mac => Application.Mac;

    /// <inheritdoc cref="ApplicationView.Hostname" />
    public string Hostname => Application.Hostname;

    /// <inheritdoc cref="ApplicationView.Node" />
    public string Node => Application.Node;

    /// <inheritdoc cref="ApplicationView.Epoch" />
    public long Epoch => Application.Epoch;

    /// <inheritdoc cref="ApplicationView.Pids" />
    public IReadOnlyList<int> Pids => Application.Pids;
}

/// <summary>The daemon's version and name.</summary>
/// <param name="Version">Semantic version.</param>
/// <param name="Node">The node's name.</param>
/// <param name="Api">Version of the API.</param>
public sealed record VersionView(string Version, string Node, int Api);

/// <summary>The body of every answer with status 400 or above.</summary>
/// <param name="Error">The error.</param>
public sealed record ErrorView(ErrorBody Error);

/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="Message">One sentence.</param>
public sealed record ErrorBody(string Code, string Message)
{
    /// <summary>With <see cref="ErrorCodes.NotDumpable"/> what was found, in all detail; absent where it is not known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<Finding>? Findings { get; init; }

    /// <summary>What a refusal says.</summary>
    public static ErrorBody Of(VniException refusal) => new(refusal.Code, refusal.Message) { Findings = refusal.Findings };

    /// <summary>The refusal that this was made of.</summary>
    public VniException ToException(Exception? inner = null) => new(Code, Message, inner) { Findings = Findings };
}

/// <summary>The answer to <c>GET /v1/applications/AID/check</c>.</summary>
/// <param name="Aid">The application.</param>
/// <param name="Node">Where it runs.</param>
/// <param name="Findings">Everything that would keep it from being saved now; empty: nothing.</param>
public sealed record ApplicationCheckView(string Aid, string Node, IReadOnlyList<Finding> Findings);

/// <summary>The body of <c>POST /v1/applications/AID/snapshot</c>.</summary>
/// <param name="LeaveRunning">Whether the application runs on.</param>
/// <param name="Sync">Whether to answer only when the snapshot would survive a power failure.</param>
/// <param name="WaitSeconds">How long a moment that cannot be saved is waited for; <c>null</c>: as the node is configured.</param>
/// <param name="CloseVisitors">Whether programs of <c>vni exec</c> are ended; else they are a refusal.</param>
public sealed record SnapshotRequest(
    bool LeaveRunning = false, bool Sync = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? WaitSeconds = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool CloseVisitors = false);

/// <summary>The body of <c>POST /v1/applications/AID/restore</c>.</summary>
/// <param name="Snapshot">Which one; <c>null</c>: the newest.</param>
public sealed record RestoreRequest(string? Snapshot = null);

/// <summary>The body of <c>POST /v1/applications/AID/join</c>: a program, as <see cref="ProcessDeclaration"/> has it.</summary>
public sealed record JoinRequest
{
    /// <summary>Name within the application, a DNS label that no declared or running program has; <c>null</c>: one is made from the command.</summary>
    public string? Name { get; set; }

    /// <inheritdoc cref="ProcessDeclaration.Command" />
    public IReadOnlyList<string> Command { get; set; } = [];

    /// <inheritdoc cref="ProcessDeclaration.Env" />
    public IReadOnlyDictionary<string, string> Env { get; set; } = new Dictionary<string, string>();

    /// <inheritdoc cref="ProcessDeclaration.User" />
    public string User { get; set; } = "root";

    /// <inheritdoc cref="ProcessDeclaration.Workdir" />
    public string Workdir { get; set; } = "/";

    /// <inheritdoc cref="ProcessDeclaration.Restart" />
    public RestartPolicy? Restart { get; set; }

    /// <inheritdoc cref="ProcessDeclaration.StopSignal" />
    public string StopSignal { get; set; } = "TERM";

    /// <inheritdoc cref="ProcessDeclaration.GraceSeconds" />
    public double? GraceSeconds { get; set; }
}

/// <summary>The answer to <c>join</c>.</summary>
/// <param name="Process">Its name.</param>
/// <param name="Pid">Its virtual pid.</param>
/// <param name="Application">The application with it.</param>
public sealed record JoinView(string Process, int Pid, ApplicationView Application);

/// <summary>The body of <c>POST /v1/applications/AID/stop</c>.</summary>
/// <param name="GraceSeconds">Seconds between SIGTERM and SIGKILL; default 10.</param>
public sealed record StopRequest(double GraceSeconds = 10);
