using Vni.Actors.Diagnostics;
using Vni.Actors.Interposition;
using Vni.Actors.Rules;

namespace Vni.Actors.Applications;

/// <content>
/// Another program joins the running instance. It is in the state before it is in the instance: after a crash in between, the recovery
/// asks the harness, and forgets what it does not know.
/// </content>
internal sealed partial class ApplicationActor
{
    private JoinPlan? _join;
    private int _joinedPid;
    private IReadOnlyList<ProcessDeclaration> _formerlyJoined = [];

    private void BeginJoin(JoinApplication join)
    {
        try
        {
            _join = JoinPlan.Of(State, join.Request, join.Ended);
        }
        catch (VniException e)
        {
            join.Fail(e);
            return;
        }

        _formerlyJoined = State.Joined;
        Begin(join);
        Decide(State with { Joined = _join.Joined });
    }

    private void Join()
    {
        FaultPoints.Reach("join:decided");
        PipeTo(JoinAsync(Spec, State, _join!.Process), pid => new Outcome.Joined(pid), Failed);
    }

    private async Task<int> JoinAsync(InstanceSpec instance, ApplicationState state, ProcessDeclaration process) =>
        await interposer.JoinAsync(instance, process with { Env = InstanceRules.Of(state).EnvironmentOf(process.Env) }, Context.Stopping);

    private void RecordJoin(int pid)
    {
        FaultPoints.Reach("join:joined");
        _joinedPid = pid;
        Record(State, OwnerChange.Keep, EventKinds.Joined, $"{_join!.Process.Name} has joined as process {pid}");
    }

    private void RecordNoJoin(Exception reason)
    {
        _failure = reason;
        Record(State with { Joined = _formerlyJoined }, OwnerChange.Keep, EventKinds.Failed, ApplicationSentences.Why(reason));
    }
}
