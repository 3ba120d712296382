using Vni.Interposer.Checkpoint;

namespace Vni.Linux.Tests.Checkpoint;

/// <summary>Stages that plumb loopback, remember their order, and do what a test asks at one of them.</summary>
internal sealed class RecordedStages : IRestoreStages
{
    private int _init;

    public List<string> Seen { get; } = [];

    public Func<int, Task> OnNetwork { get; init; } = _ => Task.CompletedTask;

    public Func<int, Task> OnQueues { get; init; } = _ => Task.CompletedTask;

    public Func<int, Task> OnVerify { get; init; } = _ => Task.CompletedTask;

    public Func<Task> OnPlug { get; init; } = () => Task.CompletedTask;

    public Task SetUpNetworkAsync(int initPid, CancellationToken cancellationToken)
    {
        Seen.Add("network");
        _init = initPid;
        TestInstance.PlumbLoopback(initPid);
        return OnNetwork(initPid);
    }

    public Task MakeQueuesAsync()
    {
        Seen.Add("queues");
        return OnQueues(_init);
    }

    public Task VerifyAndCommitAsync(int initPid, CancellationToken cancellationToken)
    {
        Seen.Add("verify");
        return OnVerify(initPid);
    }

    public Task PlugAsync()
    {
        Seen.Add("plug");
        return OnPlug();
    }
}
