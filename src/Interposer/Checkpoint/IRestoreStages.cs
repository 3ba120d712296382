namespace Vni.Interposer.Checkpoint;

/// <summary>What the daemon does at the stages of a restore. No process of the instance runs before <see cref="PlugAsync"/>
/// has returned.</summary>
internal interface IRestoreStages
{
    /// <summary>The namespaces exist, no socket does: moves the veth in, sets addresses and neighbours. Failing undoes the restore.</summary>
    /// <param name="initPid">First process of the instance, on the node.</param>
    /// <param name="cancellationToken">The restore's.</param>
    Task SetUpNetworkAsync(int initPid, CancellationToken cancellationToken);

    /// <summary>The namespaces have their content but for what CRIU does not know, and no process has anything open: makes POSIX message
    /// queues. Failing undoes the restore.</summary>
    Task MakeQueuesAsync();

    /// <summary>Everything is rebuilt: compares it with the manifest and commits. Failing kills the tree, and nothing has run.</summary>
    /// <param name="initPid">First process of the instance, on the node.</param>
    /// <param name="cancellationToken">The restore's.</param>
    Task VerifyAndCommitAsync(int initPid, CancellationToken cancellationToken);

    /// <summary>The commit is made: plugs the port and delivers what was held. CRIU goes on even if this fails.</summary>
    Task PlugAsync();
}
