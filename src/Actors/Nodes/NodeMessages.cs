using Vni.Actors.Applications;
using Vni.Actors.Farms;
using Vni.Actors.HandOffs;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Kernel;

namespace Vni.Actors.Nodes;

/// <summary>What a <see cref="NodeActor"/> receives.</summary>
internal abstract record NodeMessage
{
    /// <summary>Takes charge of the node: lease, membership, recovery. Answered when every application was looked at.</summary>
    internal sealed record Open(Reply<bool> Reply) : NodeMessage;

    /// <summary>What was read and found.</summary>
    internal sealed record Surveyed(NodeSurvey Survey, Reply<bool> Reply) : NodeMessage;

    /// <summary>All recoveries have ended.</summary>
    internal sealed record Recovered(Reply<bool> Reply) : NodeMessage;

    /// <summary>The node cannot be taken charge of.</summary>
    internal sealed record OpenFailed(Exception Reason, Reply<bool> Reply) : NodeMessage;

    /// <summary>Allocates an identity and starts an application under it.</summary>
    internal sealed record Run(ApplicationDeclaration Declaration, Reply<ApplicationState> Reply) : NodeMessage;

    /// <summary>The identity is there.</summary>
    internal sealed record Allocated(StoredApplication Application, Reply<ApplicationState> Reply) : NodeMessage;

    /// <summary>The answer to <see cref="Run"/> is there.</summary>
    internal sealed record RunEnded(ApplicationState? State, Exception? Reason, Reply<ApplicationState> Reply) : NodeMessage;

    /// <summary>Finds the actor of an application of this node.</summary>
    /// <param name="Aid">The application.</param>
    /// <param name="Not">An actor that is known to have stopped.</param>
    /// <param name="Reply">The answer.</param>
    internal sealed record Resolve(Aid Aid, ActorRef<ApplicationMessage>? Not, Reply<ActorRef<ApplicationMessage>> Reply) : NodeMessage
    {
        /// <summary>It is to be taken over from whatever node it is recorded on, if nobody owns it.</summary>
        public bool TakesOver { get; init; }
    }

    /// <summary>What the registry has of an application without an actor.</summary>
    internal sealed record Loaded(Aid Aid, LoadedApplication? Application, Exception? Problem, Reply<ActorRef<ApplicationMessage>>? Reply) : NodeMessage
    {
        /// <inheritdoc cref="Resolve.TakesOver" />
        public bool TakesOver { get; init; }
    }

    /// <summary>An application's actor has stopped: because it was removed, or over a failure.</summary>
    internal sealed record ApplicationStopped(Aid Aid, ActorRef<ApplicationMessage> Actor) : NodeMessage;

    /// <summary>Time to see whether a stopped actor's application is still there.</summary>
    internal sealed record Revive(Aid Aid) : NodeMessage;

    /// <summary>An instance ended.</summary>
    internal sealed record Ended(InstanceEnded Instance) : NodeMessage;

    /// <summary>Time to renew the lease.</summary>
    internal sealed record RenewLease : NodeMessage;

    /// <summary>The lease was renewed, replaced, or could not be.</summary>
    internal sealed record LeaseRenewed(Exception? Problem) : NodeMessage;

    /// <summary>Work that nobody waits for has ended.</summary>
    internal sealed record Done(string Doing, Exception? Problem) : NodeMessage;

    /// <summary>What only a node of a farm receives.</summary>
    internal abstract record Farm : NodeMessage;

    /// <summary>The lease has not been renewed for so long that others may act soon.</summary>
    internal sealed record FenceDue : Farm;

    /// <summary>The guard has frozen everything.</summary>
    internal sealed record GuardFired : Farm;

    /// <summary>Freezes everything and gives the lease up: others may act at once.</summary>
    internal sealed record Surrender(Reply<bool> Reply) : Farm;

    /// <summary>Everything is frozen, or could not be.</summary>
    internal sealed record Fenced(Exception? Problem, Reply<bool>? Reply) : Farm;

    /// <summary>Everything that runs here is this node's, on this lease.</summary>
    internal sealed record Confirmed(long Lease, TimeSpan Sent, int Closings, Exception? Problem) : Farm;

    /// <summary>An application may come here.</summary>
    internal sealed record OpenHandOff(PrepareHandOff Question, Reply<ActorRef<TargetMessage>> Reply) : Farm;

    /// <summary>Finds a hand-off to this node.</summary>
    internal sealed record FindHandOff(HandOffHeader Header, Reply<ActorRef<TargetMessage>> Reply) : Farm;

    /// <summary>A hand-off to this node is over.</summary>
    internal sealed record HandOffOver(Aid Aid, ActorRef<TargetMessage> Actor) : Farm;

    /// <summary>Something is here of an application that may not be this node's: to be looked at as a starting daemon does.</summary>
    internal sealed record Examine(Aid Aid) : Farm;

    /// <summary>What was here of another node's application is gone.</summary>
    internal sealed record CleanedAway(Aid Aid, Exception? Problem) : Farm;

    /// <summary>An instance has come here and runs, unless the node was fenced since it had been closed so often.</summary>
    internal sealed record Arrived(HandOffArrival Arrival, LoadedApplication? Application, int Closings) : Farm;

    /// <summary>Refuses new operations; answered with all actors.</summary>
    internal sealed record Close(Reply<IReadOnlyList<ActorRef<ApplicationMessage>>> Reply) : NodeMessage;
}
