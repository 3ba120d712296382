using Vni.Actors.Registry;
using Xunit;

namespace Vni.Unit.Tests.Registry;

public abstract partial class RegistryConformance
{
    [Fact]
    public async Task A_lease_is_granted_in_whole_seconds_and_runs_down()
    {
        var lease = await Registry.GrantLeaseAsync(TimeSpan.FromSeconds(9.2), default);
        Assert.NotEqual(0, lease.Id);
        Assert.Equal(TimeSpan.FromSeconds(10), lease.TimeToLive);
        await PassAsync(TimeSpan.FromSeconds(3));
        var later = await Registry.GetLeaseAsync(lease.Id, default);
        Assert.Equal(TimeSpan.FromSeconds(10), later!.TimeToLive);
        Assert.InRange(later.Remaining, TimeSpan.Zero, TimeSpan.FromSeconds(7));
    }

    [Fact]
    public async Task A_lease_must_have_a_positive_time() =>
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Registry.GrantLeaseAsync(TimeSpan.Zero, default));

    [Fact]
    public async Task An_expired_lease_deletes_its_keys_in_one_revision_that_watches_see()
    {
        var lease = await Registry.GrantLeaseAsync(TimeSpan.FromSeconds(3), default);
        await PutAsync("kept", "1");
        var put = await RunAsync(Put("a", "1", lease.Id), Put("b", "2", lease.Id));
        Assert.Equal(lease.Id, (await GetAsync("a"))!.Lease);
        await using var watch = Watch(put.Revision + 1);

        await PassAsync(TimeSpan.FromSeconds(4));
        var batch = await watch.NextAsync();
        Assert.Equal(put.Revision + 1, batch.Revision);
        Assert.Equal([(true, "a"), (true, "b")], batch.Changes.Select(change => (change.Deleted, Name(change.Pair))));
        Assert.All(batch.Changes, change => Assert.Equal((0, 0, 0), (change.Pair.Value.Length, change.Pair.Version, change.Pair.Lease)));
        Assert.Null(await GetAsync("a"));
        Assert.NotNull(await GetAsync("kept"));
        Assert.Null(await Registry.GetLeaseAsync(lease.Id, default));
        Assert.Null(await Registry.KeepAliveAsync(lease.Id, default));
    }

    [Fact]
    public async Task A_renewed_lease_keeps_its_keys()
    {
        var lease = await Registry.GrantLeaseAsync(TimeSpan.FromSeconds(4), default);
        await PutAsync("a", "1", lease.Id);
        for (var i = 0; i < 3; i++)
        {
            await PassAsync(TimeSpan.FromSeconds(2.5));
            var renewed = await Registry.KeepAliveAsync(lease.Id, default);
            Assert.Equal(TimeSpan.FromSeconds(4), renewed!.TimeToLive);
        }

        Assert.NotNull(await GetAsync("a"));
    }

    [Fact]
    public async Task Leases_that_end_one_after_the_other_take_only_their_own_keys()
    {
        await using var watch = Watch(0);
        var early = await Registry.GrantLeaseAsync(TimeSpan.FromSeconds(3), default);
        var late = await Registry.GrantLeaseAsync(TimeSpan.FromSeconds(6), default);
        await PutAsync("early", "1", early.Id);
        await PutAsync("late", "1", late.Id);
        await PassAsync(TimeSpan.FromSeconds(8));
        var seen = new List<(bool, string)>();
        while (seen.Count < 4) seen.AddRange((await watch.NextAsync()).Changes.Select(change => (change.Deleted, Name(change.Pair))));
        Assert.Equal([(false, "early"), (false, "late"), (true, "early"), (true, "late")], seen);
    }

    [Fact]
    public async Task Revoking_deletes_the_keys_and_what_is_gone_can_be_revoked_again()
    {
        var lease = await Registry.GrantLeaseAsync(TimeSpan.FromSeconds(60), default);
        var put = await PutAsync("a", "1", lease.Id);
        await Registry.RevokeLeaseAsync(lease.Id, default);
        Assert.Null(await GetAsync("a"));
        Assert.Null(await Registry.GetLeaseAsync(lease.Id, default));
        await Registry.RevokeLeaseAsync(lease.Id, default);
        Assert.Equal(put.Revision + 1, (await RunAsync()).Revision);
    }

    [Fact]
    public async Task A_put_with_a_dead_lease_fails_and_nothing_of_its_transaction_is_done()
    {
        var lease = await Registry.GrantLeaseAsync(TimeSpan.FromSeconds(60), default);
        await Registry.RevokeLeaseAsync(lease.Id, default);
        var before = (await PutAsync("x", "1")).Revision;
        var error = await Assert.ThrowsAsync<LeaseNotFoundException>(() => RunAsync(Put("a", "1"), Delete("x"), Put("b", "2", lease.Id)));
        Assert.Equal(lease.Id, error.LeaseId);
        Assert.Null(await GetAsync("a"));
        Assert.NotNull(await GetAsync("x"));
        Assert.Equal(before, (await RunAsync()).Revision);
        // The branch that does not run is not asked.
        Assert.True((await Registry.TransactAsync(new([], [Put("a", "1")], [Put("b", "2", lease.Id)]), default)).Succeeded);
    }

    [Fact]
    public async Task The_last_put_decides_which_lease_a_key_hangs_on()
    {
        var lease = await Registry.GrantLeaseAsync(TimeSpan.FromSeconds(60), default);
        var other = await Registry.GrantLeaseAsync(TimeSpan.FromSeconds(60), default);
        await PutAsync("free", "1", lease.Id);
        await PutAsync("moved", "1", lease.Id);
        await PutAsync("gone", "1", lease.Id);
        await PutAsync("free", "2");
        await PutAsync("moved", "2", other.Id);
        await RunAsync(Delete("gone"));
        await PutAsync("gone", "2");
        await Registry.RevokeLeaseAsync(lease.Id, default);
        Assert.Equal(0, (await GetAsync("free"))!.Lease);
        Assert.Equal(other.Id, (await GetAsync("moved"))!.Lease);
        Assert.NotNull(await GetAsync("gone"));
    }

    [Fact]
    public async Task A_second_owner_is_refused_until_the_lease_expires()
    {
        var first = await Registry.GrantLeaseAsync(TimeSpan.FromSeconds(3), default);
        var second = await Registry.GrantLeaseAsync(TimeSpan.FromSeconds(60), default);
        Assert.True(await ClaimAsync(first));
        Assert.False(await ClaimAsync(second));
        await using var watch = Watch(0);
        await PassAsync(TimeSpan.FromSeconds(4));
        Assert.True((await watch.NextAsync()).Changes.Single().Deleted);
        Assert.True(await ClaimAsync(second));

        async Task<bool> ClaimAsync(Lease lease) =>
            (await Registry.TransactAsync(new([Comparison.Absent(Key("owner"))], [Put("owner", "me", lease.Id)], []), default)).Succeeded;
    }
}
