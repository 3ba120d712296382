using Vni.Actors.Identity;
using Vni.Actors.Registry;

namespace Vni.Actors.Applications;

/// <summary>The sentences of refusals, so that one voice speaks to the user.</summary>
internal static class ApplicationSentences
{
    /// <summary>A status as users see it.</summary>
    public static string Name(ApplicationStatus status) => status.ToString().ToLowerInvariant();

    public static VniException NotFound(Aid aid) =>
        new(ErrorCodes.NotFound, $"there is no application {aid}; 'vni ps' lists those there are");

    public static VniException Busy(Aid aid, ApplicationCommand running) =>
        new(ErrorCodes.Busy, $"application {aid} is busy: {running.Doing}; try again when that has ended{(running is RunApplication ? ", or give the start up with 'vni rm --force'" : "")}");

    /// <summary>An illegal move: names the state and the move, and what leads from one to the other.</summary>
    public static VniException WrongState(ApplicationState state, ApplicationCommand refused) => new(ErrorCodes.WrongState, (state.Status, refused) switch
    {
        (ApplicationStatus.Running, StartApplication) => $"application {state.Aid} is running already",
        (ApplicationStatus.Stopped, StopApplication) => $"application {state.Aid} is stopped already",
        var (status, _) => $"application {state.Aid} is {Name(status)}, it cannot be {refused.Done}; {Remedy(status, refused)}",
    });

    public static VniException NoSuchSnapshot(Aid aid, string? id) => id is null
        ? new(ErrorCodes.SnapshotNotFound, $"application {aid} has no snapshot to restore; start it instead")
        : new(ErrorCodes.SnapshotNotFound, $"application {aid} has no snapshot '{id}'; 'vni snapshots {aid}' lists those it has");

    /// <summary>A failure as an event tells it.</summary>
    public static string Why(Exception reason) => reason switch
    {
        VniException or StaleWriteException => reason.Message,
        OperationCanceledException => "it was given up: its asker went away, or the daemon was stopped",
        RegistryUnavailableException => $"the registry did not take it: {reason.Message}",
        _ => $"unexpected failure: {reason.Message}",
    };

    private static string Remedy(ApplicationStatus status, ApplicationCommand refused) => (status, refused) switch
    {
        (ApplicationStatus.Running, RestoreApplication) => "stop or snapshot it first",
        (ApplicationStatus.Running, RemoveApplication) => "stop it first, or remove it with force",
        (ApplicationStatus.Dormant, StartApplication) => "restore it, or stop it first to start it anew",
        (ApplicationStatus.Dormant, TakeSnapshot or JoinApplication) => "restore it first",
        (ApplicationStatus.Stopped, TakeSnapshot or JoinApplication) => "start it first",
        (ApplicationStatus.Lost, StartApplication) => "another node may still have its processes: bring that back, restore a snapshot, or remove it",
        (ApplicationStatus.Removing, _) => "remove it again to finish",
        (_, StopApplication) => "wait until that has ended",
        _ => "an earlier operation on it could not be finished: stop it, or remove it with force",
    };
}
