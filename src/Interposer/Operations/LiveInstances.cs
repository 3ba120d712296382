using System.Collections.Concurrent;
using System.Threading.Channels;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Operations;

/// <summary>The instances whose processes live on this node, and the notice of their end.</summary>
internal sealed class LiveInstances(InterposerOptions options, PidfdWatcher watcher)
{
    private readonly ConcurrentDictionary<Aid, (InstanceSpec Instance, SpawnedProcess Init)> _lives = new();
    private readonly Channel<InstanceEnded> _ended = Channel.CreateUnbounded<InstanceEnded>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>Ends that nobody asked for.</summary>
    public ChannelReader<InstanceEnded> Ended => _ended.Reader;

    /// <summary>Begins to watch an instance.</summary>
    public void Add(InstanceSpec instance, int initPid)
    {
        var init = watcher.Watch(initPid);
        _lives[instance.Aid] = (instance, init);
        _ = AnnounceEndAsync(instance, init);
    }

    /// <summary>Pid of the harness on the node, or <c>null</c> if no process of the instance lives here.</summary>
    public int? FindInit(Aid aid) => Find(aid)?.Init;

    /// <summary>The same, and what the instance was brought to life as.</summary>
    public (InstanceSpec Instance, int Init)? Find(Aid aid) => _lives.TryGetValue(aid, out var life) && !life.Init.Exited.IsCompleted ? (life.Instance, life.Init.Pid) : null;

    /// <summary>Sends a signal to the harness, which passes it on.</summary>
    public void Signal(Aid aid, int signal)
    {
        if (_lives.TryGetValue(aid, out var life)) life.Init.Kill(signal);
    }

    /// <summary>Returns when the harness has ended; at once if none is watched.</summary>
    public Task WaitAsync(Aid aid) => _lives.TryGetValue(aid, out var life) ? life.Init.Exited : Task.CompletedTask;

    /// <summary>Stops watching: the end that follows was asked for.</summary>
    public void Forget(Aid aid)
    {
        if (_lives.TryRemove(aid, out var life)) life.Init.Dispose();
    }

    /// <summary>Stops watching all of them; they live on.</summary>
    public void ForgetAll()
    {
        foreach (var aid in _lives.Keys) Forget(aid);
        _ended.Writer.TryComplete();
    }

    private async Task AnnounceEndAsync(InstanceSpec instance, SpawnedProcess init)
    {
        var aid = instance.Aid;
        await init.Exited.ConfigureAwait(false);

        // Whoever forgot it expected the end.
        if (!_lives.TryGetValue(aid, out var current) || !ReferenceEquals(current.Init, init)) return;
        _ended.Writer.TryWrite(new InstanceEnded(aid, init.Pid, ChainRecords.ReadExits(new InstancePaths(options, aid), instance.Declaration.Processes)));
    }
}
