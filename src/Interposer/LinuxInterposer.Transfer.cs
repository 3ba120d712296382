using Microsoft.Extensions.Logging;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Vni.Interposer.Transfers;

namespace Vni.Interposer;

/// <summary>Moving instances: <see cref="DepartInstance"/> on the node they leave, <see cref="ArriveInstance"/> on the node they come to.</summary>
public sealed partial class LinuxInterposer : IInstanceTransfer
{
    private readonly DepartInstance _departures;
    private readonly ArriveInstance _arrivals;

    /// <inheritdoc />
    public Task<InstanceFacts> DescribeAsync(InstanceSpec instance, CancellationToken cancellationToken) => new DescribeInstance(_kit).RunAsync(instance, cancellationToken);

    /// <inheritdoc />
    public Task<long> SendLayerAsync(InstanceSpec instance, string handOff, Stream to, CancellationToken cancellationToken) =>
        _departures.SendLayerAsync(instance, handOff, to, cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<ClosedVisitor>> FreezeAsync(InstanceSpec instance, Quiescing quiescing, CancellationToken cancellationToken) =>
        _departures.FreezeAsync(instance, quiescing, cancellationToken);

    /// <inheritdoc />
    public Task<StateSent> SendStateAsync(InstanceSpec instance, string handOff, Stream to, CancellationToken cancellationToken) =>
        _departures.SendStateAsync(instance, handOff, to, cancellationToken);

    /// <inheritdoc />
    public Task ThawAsync(InstanceSpec instance, string handOff, IReadOnlyList<ReadOnlyMemory<byte>> frames, CancellationToken cancellationToken) =>
        _departures.ThawAsync(instance, handOff, frames);

    /// <inheritdoc />
    public Task ResetConnectionsAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        try
        {
            var reset = _kit.Live.FindInit(instance.Aid) is { } init ? StaleConnections.Reset(init, instance.Identity) : 0;
            if (reset > 0) _kit.Log.LogInformation("Application {Aid} goes on from an older state: {Count} of its connections were reset", instance.Aid, reset);
        }
        catch (LinuxException e)
        {
            _kit.Log.LogWarning(e, "Connections of application {Aid}, which goes on from an older state, could not be reset; their far ends notice it by time-outs", instance.Aid);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task ReleaseMovedAsync(InstanceSpec instance, string handOff, CancellationToken cancellationToken) => _departures.ReleaseAsync(instance, handOff);

    /// <inheritdoc />
    public Task<IReadOnlyList<string>> CheckAsync(InstanceSpec instance, InstanceFacts facts, CancellationToken cancellationToken) =>
        new CheckArrival(_kit).RunAsync(instance, facts, cancellationToken);

    /// <inheritdoc />
    public Task PrepareAsync(InstanceSpec instance, string handOff, InstanceFacts facts, CancellationToken cancellationToken) =>
        _arrivals.PrepareAsync(instance, handOff, facts);

    /// <inheritdoc />
    public Task ReceiveLayerAsync(Aid aid, string handOff, Stream from, CancellationToken cancellationToken) =>
        _arrivals.ReceiveLayerAsync(aid, handOff, from, cancellationToken);

    /// <inheritdoc />
    public Task HoldAsync(InstanceSpec instance, string handOff, CancellationToken cancellationToken) => _arrivals.HoldAsync(instance, handOff);

    /// <inheritdoc />
    public Task ReceiveStateAsync(Aid aid, string handOff, Stream from, CancellationToken cancellationToken) =>
        _arrivals.ReceiveStateAsync(aid, handOff, from, cancellationToken);

    /// <inheritdoc />
    public Task<RestoreResult> ResumeAsync(InstanceSpec instance, string handOff, string manifestSha256, Func<CancellationToken, Task> commit, CancellationToken cancellationToken) =>
        _arrivals.ResumeAsync(instance, handOff, manifestSha256, commit, cancellationToken);

    /// <inheritdoc />
    public Task SettleAsync(InstanceSpec instance, string handOff, bool park, CancellationToken cancellationToken) => _arrivals.SettleAsync(instance, handOff, park);

    /// <inheritdoc />
    public Task<IReadOnlyList<ReadOnlyMemory<byte>>> AbandonAsync(Aid aid, string handOff, CancellationToken cancellationToken) => _arrivals.AbandonAsync(aid, handOff);
}
