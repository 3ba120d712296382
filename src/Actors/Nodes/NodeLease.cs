using Vni.Actors.HandOffs;
using Vni.Actors.Registry;

namespace Vni.Actors.Nodes;

/// <summary>
/// The node's lease, on which its member record and its owner records hang. Safe to use from any task: whoever finds
/// the lease lost first replaces it, the others wait for that.
/// </summary>
internal sealed class NodeLease(IRegistry registry, RegistryKeys keys, NodeSettings settings, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _replacing = new(1, 1);
    private readonly long _epoch = time.GetTimestamp();
    private MemberRecord? _member;
    private long _id;
    private long _sent;

    /// <summary>The lease to hang keys on; 0 before <see cref="EstablishAsync"/>.</summary>
    public long Id => Volatile.Read(ref _id);

    /// <summary>When the last grant or renewal that succeeded was sent, for <see cref="LeaseGuard"/>.</summary>
    public TimeSpan Sent => TimeSpan.FromTicks(Volatile.Read(ref _sent));

    /// <summary>The present on the clock of <see cref="Sent"/>.</summary>
    public TimeSpan Now => time.GetElapsedTime(_epoch);

    /// <summary>
    /// Goes on with the lease of a former daemon, on which the owner records of what still runs hang, or grants the first
    /// one; and writes the member record.
    /// </summary>
    /// <returns>Whether the former lease is kept.</returns>
    /// <exception cref="VniException"><see cref="ErrorCodes.NameInUse"/>: another machine is a node of this name.</exception>
    public async Task<bool> EstablishAsync(MemberRecord member, CancellationToken cancellationToken)
    {
        _member = member;
        if (settings.Shared && await KeepFormerAsync(cancellationToken)) return true;
        await ReplaceAsync(0, cancellationToken);
        return false;
    }

    /// <summary>Renews the lease, or replaces it if it is lost; then <see cref="Id"/> is another.</summary>
    public async Task KeepAliveAsync(CancellationToken cancellationToken)
    {
        var (id, sent) = (Id, Now);
        if (await registry.KeepAliveAsync(id, cancellationToken) is null) await ReplaceAsync(id, cancellationToken);
        else Confirm(sent);
    }

    /// <summary>Changes the member record.</summary>
    public async Task AnnounceAsync(Func<MemberRecord, MemberRecord> change, CancellationToken cancellationToken)
    {
        await _replacing.WaitAsync(cancellationToken);
        try
        {
            if (_member is null) return;
            _member = change(_member);
            await WriteMemberAsync(Id, known: 0, cancellationToken);
        }
        finally
        {
            _replacing.Release();
        }
    }

    /// <summary>Grants a lease in place of <paramref name="lost"/> and hangs the member record on it; does nothing when that
    /// has been done. Owner records are put back by the actors of their applications, which know what to compare.</summary>
    public async Task ReplaceAsync(long lost, CancellationToken cancellationToken)
    {
        await _replacing.WaitAsync(cancellationToken);
        try
        {
            if (Id != lost || _member is null) return;
            var sent = Now;
            var lease = await registry.GrantLeaseAsync(settings.LeaseTimeToLive, cancellationToken);
            await WriteMemberAsync(lease.Id, known: 0, cancellationToken);
            Volatile.Write(ref _id, lease.Id);
            Confirm(sent);
        }
        finally
        {
            _replacing.Release();
        }
    }

    /// <summary>
    /// The node leaves. With instances that run on, only the member record goes: the lease is left to expire, so that a
    /// daemon that is merely restarted finds their owner records as they were. Without, everything goes at once.
    /// </summary>
    public async Task LeaveAsync(bool instancesRunOn, CancellationToken cancellationToken)
    {
        var id = Id;
        if (id == 0) return;
        if (!instancesRunOn) await registry.RevokeLeaseAsync(id, cancellationToken);
        else if (!settings.Shared) // Others must not take a node that is merely restarted for one that is gone.
            await registry.TransactAsync(new Transaction([], [new Operation.Delete(new KeyRange(keys.Member(settings.Node)))], []), cancellationToken);
    }

    public void Dispose() => _replacing.Dispose();

    private async Task<bool> KeepFormerAsync(CancellationToken cancellationToken)
    {
        var range = await registry.RangeAsync(new KeyRange(keys.Member(settings.Node)), cancellationToken);
        if (range.Pairs is not [{ Lease: not 0 } former]) return false;
        var other = RegistryJson.Member(former);
        if (other.Endpoint != settings.Endpoint)
        {
            throw new VniException(
                ErrorCodes.NameInUse,
                $"node name {settings.Node} is in use: a node of that name answers at {other.Endpoint ?? "no address"}; choose another name, or wait {settings.LeaseTimeToLive.TotalSeconds:0.#} s if this node has moved");
        }

        var sent = Now;
        if (await registry.KeepAliveAsync(former.Lease, cancellationToken) is null) return false;
        await WriteMemberAsync(former.Lease, former.ModRevision, cancellationToken);
        Volatile.Write(ref _id, former.Lease);
        Confirm(sent);
        return true;
    }

    /// <summary>Under a comparison: a write that was given up and arrives late must not hang the record on a lease that has been replaced.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="known">The record's revision as far as it is known; 0: there is none.</param>
    /// <param name="cancellationToken">Ends the attempts.</param>
    private async Task WriteMemberAsync(long lease, long known, CancellationToken cancellationToken)
    {
        var key = keys.Member(settings.Node);
        var put = new Operation.Put(key, RegistryJson.Bytes(_member!), lease);
        while (true)
        {
            var result = await registry.TransactAsync(new Transaction([Comparison.Unchanged(key, known)], [put], [new Operation.Get(new KeyRange(key))]), cancellationToken);
            if (result.Succeeded) return;
            known = result.Responses[0].Pairs is [var there] ? there.ModRevision : 0;
        }
    }

    private void Confirm(TimeSpan sent)
    {
        if (sent.Ticks > Volatile.Read(ref _sent)) Volatile.Write(ref _sent, sent.Ticks);
    }
}
