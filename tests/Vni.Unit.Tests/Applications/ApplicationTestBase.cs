using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Applications;

/// <summary>One application on one node, and what can be done with it.</summary>
public abstract class ApplicationTestBase : IAsyncLifetime
{
    protected static Aid Shop { get; } = Aid.Parse("shop");

    private protected TestNode Node { get; private set; } = null!;

    public async Task InitializeAsync() => Node = await TestNode.StartedAsync();

    public async Task DisposeAsync() => await Node.DisposeAsync();

    protected Task<ApplicationView> Run() => Node.RunAsync();

    protected Task<ApplicationView> Start() => Node.Service.StartAsync(Shop, default).WaitAsync(TestNode.Limit);

    protected Task<ApplicationView> Stop() => Node.Service.StopAsync(Shop, TimeSpan.FromSeconds(1), default).WaitAsync(TestNode.Limit);

    protected Task<SnapshotView> Snapshot(bool leaveRunning = false, bool sync = false) =>
        Node.Service.SnapshotAsync(Shop, new SnapshotRequest(leaveRunning, sync), default).WaitAsync(TestNode.Limit);

    protected Task<RestoreView> Restore(string? id = null) => Node.Service.RestoreAsync(Shop, new RestoreRequest(id), default).WaitAsync(TestNode.Limit);

    protected Task Remove(bool force = false) => Node.Service.RemoveAsync(Shop, force, default).WaitAsync(TestNode.Limit);

    protected async Task<string> StatusAsync() => (await Node.Service.GetAsync(Shop, default)).Status;

    protected async Task CheckAsync(string status)
    {
        await Node.UntilSettledAsync();
        await Node.CheckInvariantsAsync();
        Assert.Equal(status, await StatusAsync());
    }

    protected async Task<string> LastEventAsync() => (await Node.EventsAsync())[^1].Kind;

    protected static async Task RefusedAsync(string code, Func<Task> operation, params string[] parts)
    {
        var e = await Assert.ThrowsAsync<VniException>(operation);
        Assert.Equal(code, e.Code);
        foreach (var part in parts) Assert.Contains(part, e.Message);
    }

    protected static async Task<bool> SucceedsAsync(Func<Task> operation)
    {
        try
        {
            await operation();
            return true;
        }
        catch (VniException)
        {
            return false;
        }
    }
}
