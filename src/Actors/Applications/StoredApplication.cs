using Vni.Actors.Registry;

namespace Vni.Actors.Applications;

/// <summary>The state as the registry has it.</summary>
/// <param name="State">The state.</param>
/// <param name="Revision">When it was last written: what the next write compares.</param>
/// <param name="Owned">Whether <c>owners/AID</c> names this state's node and epoch.</param>
internal sealed record StoredApplication(ApplicationState State, long Revision, bool Owned);

/// <summary>What a write does to the owner record.</summary>
internal enum OwnerChange
{
    /// <summary>It stays as it is, there or not.</summary>
    Keep,

    /// <summary>It is written, on the node's present lease: the node may run the instance.</summary>
    Take,

    /// <summary>It is deleted, if there is one: no node runs the instance.</summary>
    Release,
}

/// <summary>One change of an application: all of it is written in one transaction, or nothing.</summary>
/// <param name="Next">The state after it.</param>
/// <param name="Owner">What becomes of the owner record.</param>
internal sealed record ApplicationChange(ApplicationState Next, OwnerChange Owner = OwnerChange.Keep)
{
    /// <summary>Kind and sentence of the event that goes with it, if one does.</summary>
    public (string Kind, string Message)? Event { get; init; }

    /// <summary>Other keys that are written with it.</summary>
    public IReadOnlyList<Operation> Also { get; init; } = [];
}

/// <summary>A write was refused because the application is not, in the registry, what the writer took it for.</summary>
/// <param name="aid">The application.</param>
/// <param name="lost">It is another node's now, or no longer there: this node must not run it.</param>
/// <param name="why">The end of a sentence.</param>
internal sealed class StaleWriteException(string aid, bool lost, string why) : Exception($"application {aid}: {why}")
{
    /// <summary>Whether this node must not run it any more.</summary>
    public bool Lost { get; } = lost;

    /// <summary>For the asker.</summary>
    public VniException ToRefusal() => new(ErrorCodes.Conflict, $"{Message}; look at its state and try again", this);
}

/// <summary>The registry did not take a change, and will not.</summary>
/// <param name="now">The application, unchanged, as it was last written.</param>
/// <param name="reason">What the registry did instead.</param>
internal sealed class UndecidedException(StoredApplication now, Exception reason) : Exception(reason.Message, reason)
{
    /// <summary>What the next change starts from.</summary>
    public StoredApplication Now { get; } = now;
}
