using Microsoft.Extensions.Logging;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Fencing;
using Vni.Interposer.Linux;
using Vni.Interposer.Operations;

namespace Vni.Interposer;

/// <summary>Fencing.</summary>
public sealed partial class LinuxInterposer : INodeFence
{
    private static readonly TimeSpan SettleInterval = TimeSpan.FromMilliseconds(100);

    private readonly NodeGuard _guard;
    private readonly NodeFence _fence;

    /// <summary>The guard's number on the node; <c>null</c>: there is none.</summary>
    internal int? GuardPid => _guard.Pid;

    /// <inheritdoc />
    public Action? GuardFired
    {
        get => _guard.Fired;
        set => _guard.Fired = value;
    }

    /// <inheritdoc />
    public void Extend(TimeSpan remaining)
    {
        _guard.Extend(remaining);
        if (_fence.IsGuarded) _ = SettleLaterAsync(); // Else, with nothing to lift, whatever came next would be born frozen.
    }

    /// <inheritdoc />
    public void Disarm() => _guard.Disarm();

    /// <inheritdoc />
    public Task FenceAsync(CancellationToken cancellationToken) => _fence.RunAsync(cancellationToken);

    /// <inheritdoc />
    public Task LiftAsync(InstanceSpec instance, CancellationToken cancellationToken) => _fence.LiftAsync(instance, cancellationToken);

    private async Task SettleLaterAsync()
    {
        try
        {
            await _guard.Armed.ConfigureAwait(false);
            await _fence.SettleAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (LinuxException e)
        {
            _kit.Log.LogError(e, "What the guard has frozen cannot be let go");
        }
    }

    /// <summary>What a former daemon's guard has frozen, CRIU's processes among it, comes to no end by itself; and its guard may
    /// still do so while it is waited for.</summary>
    private async Task<NodeInventory> DiscoverFencedAsync(CancellationToken cancellationToken)
    {
        await _guard.Armed.WaitAsync(cancellationToken).ConfigureAwait(false);
        await _fence.SettleAsync(cancellationToken).ConfigureAwait(false);
        var inventory = new DiscoverInstances(_kit).RunAsync(cancellationToken);
        while (await Task.WhenAny(inventory, Task.Delay(SettleInterval, _kit.Clock, cancellationToken)).ConfigureAwait(false) != inventory)
        {
            await _fence.SettleAsync(cancellationToken).ConfigureAwait(false);
        }

        return await inventory.ConfigureAwait(false);
    }

    /// <summary>The domain's wish to adopt one says that it is this node's.</summary>
    private async Task<StartedInstance> AdoptConfirmedAsync(InstanceSpec instance, Func<Task<StartedInstance>> adopt, CancellationToken cancellationToken)
    {
        await _guard.Armed.WaitAsync(cancellationToken).ConfigureAwait(false);
        await _fence.SettleAsync(cancellationToken).ConfigureAwait(false);
        _kit.Gate.Confirm(instance.Aid);
        var started = await adopt().ConfigureAwait(false);
        var visitors = _kit.Cgroups.FindVisitors(instance.Aid);
        if (visitors.Exists) await visitors.ThawAsync(cancellationToken).ConfigureAwait(false);
        return started;
    }
}
