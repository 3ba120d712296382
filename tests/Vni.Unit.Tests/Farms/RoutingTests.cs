using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors.Applications;
using Vni.Actors.Farms;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Farms;

/// <summary>Commands reach an application from anywhere, and only the nodes that they need to are asked.</summary>
public sealed class RoutingTests : IAsyncLifetime
{
    private static readonly Aid Shop = Aid.Parse("shop");

    private TestFarm _farm = null!;

    public async Task InitializeAsync()
    {
        _farm = await TestFarm.StartedAsync(5);
        await _farm[1].RunAsync();
        _farm.Peers.Asked.Clear();
    }

    public async Task DisposeAsync() => await _farm.DisposeAsync();

    private Task StopAsync(int node) => _farm[node].Service.StopAsync(Shop, default, default).WaitAsync(TestNode.Limit);

    private Task StartAsync(int node) => _farm[node].Service.StartAsync(Shop, default).WaitAsync(TestNode.Limit);

    private IEnumerable<string> AskedBy(string node)
    {
        var asked = _farm.Peers.Asked.Where(ask => ask.From == node).Select(ask => $"{ask.To} {ask.Kind}").ToList();
        _farm.Peers.Asked.Clear();
        return asked;
    }

    [Fact]
    public async Task Its_own_node_asks_nobody()
    {
        await StopAsync(1);
        await StartAsync(1);
        Assert.Empty(_farm.Peers.Asked);
    }

    [Fact]
    public async Task Another_asks_the_one_that_has_it_and_remembers_it()
    {
        await StopAsync(4);
        await StartAsync(4);
        Assert.Equal(["n1 application.stop", "n1 application.start"], AskedBy("n4"));
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task A_place_of_old_is_corrected_by_the_answer()
    {
        await StopAsync(4);
        await StartAsync(4);
        await _farm.MigrateAsync(_farm[1], _farm[2]);
        await _farm.MigrateAsync(_farm[2], _farm[3]);
        _farm.Peers.Asked.Clear();
        await StopAsync(4);
        Assert.Equal(["n1 application.stop", "n3 application.stop"], AskedBy("n4"));
        await StartAsync(4);
        Assert.Equal(["n3 application.start"], AskedBy("n4"));
    }

    [Fact]
    public async Task A_place_that_has_gone_is_looked_up_anew()
    {
        await Checkpoints.RunAsync(_farm[1], "other");
        var holder = await Checkpoints.TakeAsync(_farm, _farm[1], "other", leaveRunning: false);
        var asker = _farm.Nodes.First(node => node != _farm[1] && node != holder);
        await asker.Service.RestoreAsync(Aid.Parse("other"), new RestoreRequest(), default);
        await asker.Service.SnapshotAsync(Aid.Parse("other"), new SnapshotRequest(Sync: true), default);
        await _farm.UntilAsync(async () => (await _farm[1].SnapshotsAsync()).All(snapshot => snapshot is { Copies.Count: 1 }), "the copies");
        await _farm.PowerOffAsync(_farm[1]);
        await _farm.UntilAsync(() => !asker.Members.Members.ContainsKey("n1"), "the node to be gone");
        var restored = await _farm.PassAsync(asker.Service.RestoreAsync(Aid.Parse("other"), new RestoreRequest(), default));
        Assert.Equal((asker.Settings.Node, "running"), (restored.Application.Node, restored.Application.Status));
        await _farm.UntilAsync(async () => (await _farm.StateAsync())!.Status == ApplicationStatus.Lost, "the other to be given up");
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task An_unknown_application_is_not_looked_for_elsewhere()
    {
        await Assert.ThrowsAsync<Vni.Actors.VniException>(() => _farm[4].Service.StopAsync(Aid.Parse("ghost"), default, default));
        Assert.Empty(_farm.Peers.Asked);
    }

    [Fact]
    public async Task A_command_that_is_repeated_is_done_once()
    {
        var guest = new PeerDispatcher("test", "n9", _farm.Time, NullLogger<PeerDispatcher>.Instance);
        var messenger = _farm.Peers.Connect(guest, new Faults(), _farm.Time);
        var ask = new ToApplication<StopRequest>(Shop, new StopRequest(0));
        var first = await messenger.AskAsync("n1", FarmKinds.Stop, ask, "once", TestNode.Limit, default);
        var second = await messenger.AskAsync("n1", FarmKinds.Stop, ask, "once", TestNode.Limit, default);
        Assert.Equal(("stopped", "stopped"), (first.Value!.Status, second.Value!.Status));
        Assert.Single(await _farm[1].EventsAsync(), happened => happened.Kind == "stopped");
    }

    [Fact]
    public async Task It_can_be_run_on_a_node_of_choice()
    {
        var view = await _farm[2].Service.RunAsync(TestNode.Declare("there") with { Node = "n5" }, default).WaitAsync(TestNode.Limit);
        Assert.Equal("n5", view.Node);
        await _farm.CheckAsync();
    }
}
