using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Resources;
using Vni.Node.Api;

namespace Vni.Unit.Tests.Node;

/// <summary>A domain of one application, <c>web</c>, which records what it is asked and fails as told.</summary>
internal sealed class FakeApplications : IApplicationService
{
    internal List<object> Calls { get; } = [];

    /// <summary>What every operation throws.</summary>
    internal Exception? Failure { get; set; }

    /// <summary>The application's status.</summary>
    internal string Status { get; set; } = "running";

    internal Channel<ApplicationEvent> Events { get; } = Channel.CreateUnbounded<ApplicationEvent>();

    internal IReadOnlyList<ProcessDeclaration> Processes { get; set; } = [new ProcessDeclaration { Command = ["redis-server"] }];

    /// <summary>Completed when somebody waits in <see cref="SnapshotAsync"/>, which ends when <see cref="Finish"/> does.</summary>
    internal TaskCompletionSource? Begun { get; set; }

    internal TaskCompletionSource Finish { get; } = new();

    private volatile bool _removed;

    internal void Disappear() => _removed = true;

    public Task<ApplicationView> RunAsync(ApplicationDeclaration declaration, CancellationToken cancellationToken) => Done(declaration, View(declaration.Name ?? "web"));

    public Task<IReadOnlyList<ApplicationView>> ListAsync(CancellationToken cancellationToken) => Done<IReadOnlyList<ApplicationView>>("list", [View("web")]);

    public Task<ApplicationView> GetAsync(Aid aid, CancellationToken cancellationToken) => aid.Value == "web" && !_removed
        ? Done("get", View("web"))
        : throw new VniException(ErrorCodes.NotFound, $"there is no application '{aid}'");

    public Task<ApplicationView> StartAsync(Aid aid, CancellationToken cancellationToken) => Done($"start {aid}", View(aid.Value));

    public Task<ApplicationView> StopAsync(Aid aid, TimeSpan grace, CancellationToken cancellationToken) => Done($"stop {aid} {grace.TotalSeconds}", View(aid.Value));

    public Task<JoinView> JoinAsync(Aid aid, JoinRequest request, CancellationToken cancellationToken) => Done(request, new JoinView(request.Name ?? "joined", 7, View(aid.Value)));

    public Task RemoveAsync(Aid aid, bool force, CancellationToken cancellationToken) => Done($"remove {aid} {force}", 0);

    public async Task<SnapshotView> SnapshotAsync(Aid aid, SnapshotRequest request, CancellationToken cancellationToken)
    {
        Begun?.SetResult();
        if (Begun is not null) await Finish.Task.WaitAsync(cancellationToken);
        return await Done(request, Snapshot(aid));
    }

    public Task<IReadOnlyList<SnapshotView>> ListSnapshotsAsync(Aid? aid, CancellationToken cancellationToken) =>
        Done<IReadOnlyList<SnapshotView>>($"snapshots {aid?.Value ?? "all"}", [Snapshot(Aid.Parse("web"))]);

    public Task<RestoreView> RestoreAsync(Aid aid, RestoreRequest request, CancellationToken cancellationToken) =>
        Done(request, new RestoreView(View(aid.Value), "web.000000000001", 2, []));

    public async IAsyncEnumerable<ApplicationEvent> EventsAsync(Aid aid, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new ApplicationEvent(1, default, EventKinds.Created, "made");
        if (!follow) yield break;
        await foreach (var happened in Events.Reader.ReadAllAsync(cancellationToken)) yield return happened;
    }

    public Task<IReadOnlyList<ResourceView>> ListResourcesAsync(Aid aid, ResourceType? type, CancellationToken cancellationToken) =>
        Done<IReadOnlyList<ResourceView>>(("resources", aid.Value, type), [Resource(aid.Value)]);

    public Task<ResourceView> TranslateAsync(Aid aid, ResourceType type, string virtualId, CancellationToken cancellationToken) =>
        Done(("translate", aid.Value, type, virtualId), Resource(aid.Value));

    public Task<ResourceView> TranslateSystemAsync(string? node, ResourceType type, string system, CancellationToken cancellationToken) =>
        Done(("translate", node, type, system), Resource("web"));

    private static ResourceView Resource(string aid) => new() { Aid = aid, Type = "unix-socket", Virtual = "/run/a&b.sock", Node = "n1", System = "socket:[7]", Owner = 2, Disposition = "virtualize" };

    private static SnapshotView Snapshot(Aid aid) =>
        new() { Snapshot = $"{aid}.000000000001", Aid = aid.Value, Node = "n1", Created = default, Size = 1, Durable = true };

    /// <summary>An application that runs.</summary>
    internal static ApplicationView Example(string aid) => new FakeApplications().View(aid);

    private ApplicationView View(string aid) => new()
    {
        Aid = aid,
        Status = Status,
        Ip = "10.117.0.5",
        Mac = "02:00:0a:75:00:05",
        Hostname = "web",
        Node = "n1",
        Epoch = 1,
        Pids = [2],
        Declaration = new ApplicationDeclaration { Name = aid, Processes = Processes },
        Created = default,
        Changed = default,
    };

    private Task<T> Done<T>(object call, T answer)
    {
        lock (Calls) Calls.Add(call);
        return Failure is null ? Task.FromResult(answer) : throw Failure;
    }
}
