using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Registry;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Applications;

/// <summary>What others change of it in the registry.</summary>
public sealed class OwnershipTests : ApplicationTestBase
{
    [Fact]
    public async Task A_change_by_somebody_else_is_a_conflict_and_the_application_is_recovered()
    {
        await Run();
        await Node.PutStateAsync((await Node.StateAsync())! with { Reason = "edited" });
        await RefusedAsync(ErrorCodes.Conflict, () => Snapshot(), "changed meanwhile");
        await TestNode.UntilAsync(
            async () =>
            {
                Node.Time.Advance(TimeSpan.FromSeconds(1));
                return (await Node.RangeAsync(Node.Keys.Owners)).Count == 1 && await SucceedsAsync(() => Snapshot(leaveRunning: true));
            },
            "the actor to be replaced");
        await CheckAsync("running");
    }

    [Fact]
    public async Task An_application_that_anotherNode_owns_is_stopped_here()
    {
        await Run();
        var state = (await Node.StateAsync())! with { Node = "n2", Epoch = 2 };
        await Node.Registry.TransactAsync(
            new Transaction([], [
                new Operation.Put(Node.Keys.Application(Shop), RegistryJson.Bytes(state)),
                new Operation.Put(Node.Keys.Owner(Shop), RegistryJson.Bytes(new Vni.Actors.Nodes.OwnerRecord("n2", 2))),
            ], []),
            default);
        await RefusedAsync(ErrorCodes.Conflict, () => Snapshot(), "owned by node n2");
        Assert.Equal(FakeProcesses.None, Node.Kernel[Shop].Processes);
        Assert.Equal(state, await Node.StateAsync(), StateComparer);
        await RefusedAsync(ErrorCodes.Conflict, Stop, "on node n2");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ANode_that_lost_the_owner_record_alone_stops_the_instance(bool atLeaseRenewal)
    {
        await Run();
        var lease = (await Node.RangeAsync(Node.Keys.Members))[0].Lease;
        await Node.Registry.TransactAsync(
            new Transaction([], [new Operation.Put(Node.Keys.Owner(Shop), RegistryJson.Bytes(new Vni.Actors.Nodes.OwnerRecord("n2", 2)))], []), default);
        if (atLeaseRenewal)
        {
            await Node.Registry.RevokeLeaseAsync(lease, default);
            await TestNode.UntilAsync(
                () =>
                {
                    Node.Time.Advance(TimeSpan.FromMilliseconds(500));
                    return Task.FromResult(!Node.Kernel[Shop].Alive);
                },
                "the instance to be stopped");
        }
        else
        {
            await RefusedAsync(ErrorCodes.Conflict, () => Snapshot(), "owned by node n2");
        }

        Assert.Equal(FakeProcesses.None, Node.Kernel[Shop].Processes);
        Assert.Equal("n2", RegistryJson.Owner(Assert.Single(await Node.RangeAsync(Node.Keys.Owners))).Node);
    }

    private static IEqualityComparer<ApplicationState?> StateComparer { get; } =
        EqualityComparer<ApplicationState?>.Create((a, b) => (a?.Node, a?.Epoch, a?.Status) == (b?.Node, b?.Epoch, b?.Status));
}
