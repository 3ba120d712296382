using Vni.Actors.Interposition;
using Vni.Actors.Resources;
using Vni.Actors.Rules;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Actors.Applications;

/// <content>
/// The application's resource ids [C2, K1]. They are looked at in the live instance, never guessed: a moment after it has started,
/// come back, arrived or been saved, and when someone asks. What has changed is written behind the operations, at most once in
/// <see cref="Nodes.NodeSettings.ResourceDelay"/>. The tables are read from the registry once, before the first look: so that
/// a daemon that starts anew, and a node that the application comes to, know since when each id is there.
/// </content>
internal sealed partial class ApplicationActor
{
    /// <summary>Who waits for the look that is under way, and who for the one after it, because it had begun when they asked.</summary>
    private List<ResourceMessage.Read> _resourceAskers = [], _laterAskers = [];

    private ResourceTables? _resources;
    private long _lookedAt;

    /// <summary>Begins and ends of operations so far, and how many there were when the look that is under way began.</summary>
    private int _operations, _lookBegan;
    private bool _looking, _saving, _unsaved;
    private IDisposable? _lookDue, _saveDue;

    private void Follow(ResourceMessage message)
    {
        switch (message)
        {
            case ResourceMessage.Read { Reply: var reply } when Foreign:
                reply.Failure(new VniException(ErrorCodes.Conflict, $"application {State.Aid} is on node {State.Node}, which is down; its resources are not known here"));
                Stop();
                break;
            case ResourceMessage.Read { Reply: var reply } when State.Status == Starting:
                reply.Failure(new VniException(ErrorCodes.WrongState, $"the resources of application {State.Aid} are not known yet: it is being started; try again when that has ended"));
                break;
            case ResourceMessage.Read { Now: false, Reply: var reply } when _resources is not null && IsFresh:
                reply.Success(Answered());
                break;
            case ResourceMessage.Read read when _looking:
                _laterAskers.Add(read);
                break;
            case ResourceMessage.Read read:
                _resourceAskers.Add(read);
                Look();
                break;
            case ResourceMessage.LookDue:
                _lookDue = null;
                if (!_looking) Look();
                break;
            case ResourceMessage.Loaded { Tables: { } tables }:
                _resources = tables;
                LookNow();
                break;
            case ResourceMessage.Loaded { Problem: var problem }:
                EndLook(problem);
                break;
            case ResourceMessage.Seen { Instance: var instance }:
                Enter(instance);
                break;
            case ResourceMessage.NotSeen { Reason: var reason }:
                EndLook(reason);
                break;
            case ResourceMessage.SaveDue:
                _saveDue = null;
                Save();
                break;
            case ResourceMessage.Saved { Done: var done, Problem: var problem }:
                _saving = false;
                _unsaved |= !done;
                if (problem is not null) log.BackgroundFailed(problem, State.Aid.Value, "writing its resource ids");
                break;
        }
    }

    /// <summary>Looks in a moment, when whoever waits for the present operation has been answered.</summary>
    private void LookSoon()
    {
        if (State.Status == Running && !Foreign) _lookDue ??= Schedule(settings.ResourceDelay, new ResourceMessage.LookDue());
    }

    /// <summary>An operation begins or ends: what was seen before may be of another activation.</summary>
    private void ForgetLooks()
    {
        _lookedAt = 0;
        _operations++;
    }

    private bool IsFresh => _lookedAt != 0 && Context.TimeProvider.GetElapsedTime(_lookedAt) < settings.ResourceDelay;

    private void Look()
    {
        _looking = true;
        if (_resources is not null) LookNow();
        else PipeTo(store.LoadResourcesAsync(State.Aid, Context.Stopping), tables => new ResourceMessage.Loaded(tables, null), error => new ResourceMessage.Loaded(null, error));
    }

    private void LookNow()
    {
        _lookBegan = _operations;
        var (access, aid) = (ports.Access, State.Aid);
        PipeTo(Task.Run(() => access.FindResources(aid)), seen => new ResourceMessage.Seen(seen), error => new ResourceMessage.NotSeen(error));
    }

    private void Enter(InstanceResources? instance)
    {
        try
        {
            if (instance is null) _resources!.Unbind();
            else if (Refresh(instance, InstanceRules.Of(State)) || _unsaved) SaveSoon();
        }
        catch (VniException e)
        {
            EndLook(e);
            return;
        }

        _lookedAt = _lookBegan == _operations ? Context.TimeProvider.GetTimestamp() : 0;
        EndLook(null);
    }

    private bool Refresh(InstanceResources instance, EvaluatedRules rules) => _resources!.Refresh(
        settings.Node,
        instance.Activation,
        [.. instance.Found, .. rules.Redirections.Select(redirection => new FoundResource(ResourceType.Path, redirection.Path, instance.PathOf(redirection.Target), 0))],
        Context.TimeProvider.GetUtcNow(),
        (type, name) => rules.DispositionOf(type, name));

    private void EndLook(Exception? problem)
    {
        _looking = false;
        var (asking, later) = (_resourceAskers, _laterAskers);
        (_resourceAskers, _laterAskers) = ([], []);
        foreach (var asker in asking)
        {
            if (problem is null) asker.Reply.Success(Answered());
            else asker.Reply.Failure(problem);
        }

        if (asking.Count == 0 && problem is not null) log.BackgroundFailed(problem, State.Aid.Value, "looking at its resource ids");
        if (later.Count == 0) return;
        _resourceAskers = later;
        Look();
    }

    private IReadOnlyList<ResourceEntry> Answered() => [.. _resources!.Entries];

    private void SaveSoon() => _saveDue ??= Schedule(settings.ResourceDelay, new ResourceMessage.SaveDue());

    /// <summary>An operation begins, after which this node may not own the application: what is known is written now.</summary>
    private void SaveAtOnce()
    {
        if (_saveDue is null || _saving) return;
        _saveDue.Dispose();
        _saveDue = null;
        Save();
    }

    private void Save()
    {
        if (_saving)
        {
            SaveSoon();
            return;
        }

        _unsaved = State.Status == Removing || !_stored.Owned || _resources?.Activation is null; // The next look has it written.
        if (_unsaved || _resources?.Activation is not { } activation) return;
        _saving = true;
        PipeTo(
            store.SaveResourcesAsync(State, activation, Answered(), Context.Stopping),
            written => new ResourceMessage.Saved(written, null),
            error => new ResourceMessage.Saved(false, error));
    }
}
