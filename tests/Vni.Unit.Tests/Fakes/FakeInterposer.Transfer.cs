using System.Collections.Concurrent;
using System.Text;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;

namespace Vni.Unit.Tests.Fakes;

/// <summary>Moving between two fake nodes: what is written is a line of text that says what it is, and the other fake reads it.</summary>
internal sealed partial class FakeInterposer : IInstanceTransfer
{
    private readonly ConcurrentDictionary<string, FakeArrival> _arrivals = new();

    /// <summary>What <see cref="DescribeAsync"/> finds against saving an instance.</summary>
    public IReadOnlyList<string> Blockers { get; set; } = [];

    /// <summary>What <see cref="CheckAsync(InstanceSpec, InstanceFacts, CancellationToken)"/> finds against taking one.</summary>
    public IReadOnlyList<string> Objections { get; set; } = [];

    /// <summary>Commands of visitors of every instance.</summary>
    public List<string> Visitors { get; } = [];

    /// <summary>What was last asked for about visitors and passing moments.</summary>
    public Quiescing? Quiescing { get; private set; }

    private IReadOnlyList<Finding> Findings =>
    [
        .. Blockers.Select(what => new Finding(null, null, null, FindingKinds.IoUring, what, "stop it")),
        .. Visitors.Select((command, i) => new Finding(50 + i, 500 + i, command, FindingKinds.Visitor, "is a visitor", "end it")),
    ];

    private IEnumerable<string> Visits => Findings.Where(finding => finding.Kind == FindingKinds.Visitor).Select(finding => finding.Text);

    private IReadOnlyList<ClosedVisitor> Close(Quiescing quiescing)
    {
        Quiescing = quiescing;
        IReadOnlyList<ClosedVisitor> closed = quiescing.CloseVisitors ? [.. Visitors.Select((command, i) => new ClosedVisitor(50 + i, 500 + i, command))] : [];
        if (quiescing.CloseVisitors) Visitors.Clear();
        return closed;
    }

    /// <summary>Frames that every parked port of this node holds.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Frames { get; set; } = [];

    /// <summary>Frames that <see cref="ThawAsync"/> was given.</summary>
    public List<ReadOnlyMemory<byte>> Delivered { get; } = [];

    public async Task<InstanceFacts> DescribeAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        await faults.StepAsync("describe");
        var it = kernel[instance.Aid];
        return new InstanceFacts(Platform, it.Alive ? 12 << 20 : 0, it.Layer ? 4096 : 0, [], it.Alive ? [.. Blockers, .. Visits] : []) { Findings = it.Alive ? Findings : [] };
    }

    public async Task<long> SendLayerAsync(InstanceSpec instance, string handOff, Stream to, CancellationToken cancellationToken)
    {
        await faults.StepAsync("send-layer");
        return await SendAsync(to, $"layer {instance.Aid}", cancellationToken);
    }

    public async Task<IReadOnlyList<ClosedVisitor>> FreezeAsync(InstanceSpec instance, Quiescing quiescing, CancellationToken cancellationToken)
    {
        var it = kernel[instance.Aid];
        try
        {
            await faults.StepAsync("handoff:freeze");
            if (!it.Alive) throw new VniException(ErrorCodes.WrongState, "nothing runs");
            it.Processes = FakeProcesses.Frozen;
            await faults.StepAsync("handoff:park");
            it.Port = FakePort.Parked;
            await faults.StepAsync("handoff:frozen");
            return Close(quiescing);
        }
        catch (Exception e) when (e is not DaemonDiedException)
        {
            if (it.Alive) LetRun(instance.Aid);
            throw;
        }
    }

    public async Task<StateSent> SendStateAsync(InstanceSpec instance, string handOff, Stream to, CancellationToken cancellationToken)
    {
        await faults.StepAsync("send-state");
        if (kernel[instance.Aid].Processes != FakeProcesses.Frozen) Violate($"the state of {instance.Aid} was sent while it was not frozen");
        var sent = await SendAsync(to, $"state {instance.Aid} {handOff}", cancellationToken);
        await faults.StepAsync("handoff:dumped");
        return new StateSent(Digest(instance.Aid, handOff), sent, [new Phase("dump", 2)]);
    }

    public async Task ThawAsync(InstanceSpec instance, string handOff, IReadOnlyList<ReadOnlyMemory<byte>> frames, CancellationToken cancellationToken)
    {
        var it = kernel[instance.Aid];
        await faults.StepAsync("thaw:plug");
        if (!it.Alive) return;
        Delivered.AddRange(frames);
        it.Port = FakePort.Plugged;
        await faults.StepAsync("thaw");
        if (it.Alive) LetRun(instance.Aid);
    }

    public Task ResetConnectionsAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        if (!kernel[instance.Aid].Alive) Violate($"connections of {instance.Aid} were reset, which is not here");
        lock (kernel.Gate) kernel.Resets.Add(instance.Aid);
        return Task.CompletedTask;
    }

    public async Task ReleaseMovedAsync(InstanceSpec instance, string handOff, CancellationToken cancellationToken)
    {
        await faults.StepAsync("release-moved:kill");
        var it = kernel[instance.Aid];
        if (it.Processes == FakeProcesses.Running) Violate($"{instance.Aid} was released while it ran");
        Kill(instance.Aid, it);
        await faults.StepAsync("release-moved:files");
        lock (kernel.Gate) kernel.Instances.Remove(instance.Aid);
    }

    public async Task<IReadOnlyList<string>> CheckAsync(InstanceSpec instance, InstanceFacts facts, CancellationToken cancellationToken)
    {
        await faults.StepAsync("check-arrival");
        return Objections;
    }

    public async Task PrepareAsync(InstanceSpec instance, string handOff, InstanceFacts facts, CancellationToken cancellationToken)
    {
        await faults.StepAsync("prepare");
        var it = kernel[instance.Aid];
        if (it.Alive) throw new VniException(ErrorCodes.WrongState, $"an instance of {instance.Aid} runs here");
        foreach (var (other, arrival) in _arrivals)
        {
            if (other != handOff && arrival.Aid == instance.Aid) _arrivals.TryRemove(other, out _);
        }

        _arrivals.TryAdd(handOff, new FakeArrival(instance.Aid, it.Layer));
        await faults.StepAsync("prepare:done");
    }

    public async Task ReceiveLayerAsync(Aid aid, string handOff, Stream from, CancellationToken cancellationToken)
    {
        var arrival = Require(aid, handOff);
        await ReceiveAsync(from, $"layer {aid}", cancellationToken);
        await faults.StepAsync("receive-layer");
        arrival.Layer = true;
    }

    public async Task HoldAsync(InstanceSpec instance, string handOff, CancellationToken cancellationToken)
    {
        Require(instance.Aid, handOff);
        await faults.StepAsync("hold");
        kernel[instance.Aid].Port = FakePort.Parked;
        await faults.StepAsync("handoff:held");
    }

    public async Task ReceiveStateAsync(Aid aid, string handOff, Stream from, CancellationToken cancellationToken)
    {
        var arrival = Require(aid, handOff);
        await ReceiveAsync(from, $"state {aid} {handOff}", cancellationToken);
        await faults.StepAsync("handoff:received");
        arrival.State = true;
    }

    public async Task<RestoreResult> ResumeAsync(InstanceSpec instance, string handOff, string manifestSha256, Func<CancellationToken, Task> commit, CancellationToken cancellationToken)
    {
        var arrival = Require(instance.Aid, handOff);
        var it = kernel[instance.Aid];
        if (it.Alive) Violate($"{instance.Aid} was resumed while it ran");
        if (!arrival.State || !arrival.Layer) throw new VniException(ErrorCodes.WrongState, "its state has not come");
        if (manifestSha256 != Digest(instance.Aid, handOff)) throw new VniException(ErrorCodes.SnapshotDamaged, "its manifest is another one than was sent");
        try
        {
            await faults.StepAsync("handoff:rebuild");
            it.Processes = FakeProcesses.Rebuilding;
            await faults.StepAsync("handoff:restored");
            cancellationToken.ThrowIfCancellationRequested();
            await commit(CancellationToken.None);
            await faults.StepAsync("handoff:plug");
            it.Port = FakePort.Plugged;
            await faults.StepAsync("handoff:resume");
            (it.InitPid, it.Layer) = (kernel.NextPid(), true);
            LetRun(instance.Aid);
            await faults.StepAsync("handoff:resumed");
            arrival.IsDone = true;
            return new RestoreResult(it.InitPid, Frames.Count, [new Phase("restore", 3)]);
        }
        catch (Exception e) when (e is not DaemonDiedException)
        {
            (it.Processes, it.Port) = (FakeProcesses.None, FakePort.Parked);
            throw;
        }
    }

    public async Task SettleAsync(InstanceSpec instance, string handOff, bool park, CancellationToken cancellationToken)
    {
        var arrival = Require(instance.Aid, handOff);
        if (!arrival.Layer) throw new VniException(ErrorCodes.WrongState, "its layer has not come");
        await faults.StepAsync("settle");
        var it = kernel[instance.Aid];
        it.Layer = true;
        if (park) it.Port = FakePort.Parked;
        arrival.IsDone = true;
    }

    public async Task<IReadOnlyList<ReadOnlyMemory<byte>>> AbandonAsync(Aid aid, string handOff, CancellationToken cancellationToken)
    {
        await faults.StepAsync("abandon");
        if (!_arrivals.TryRemove(handOff, out var arrival) || arrival.IsDone) return [];
        var it = kernel[aid];
        if (it.Alive) return [];
        var held = it.Port == FakePort.Parked ? Frames : [];
        (it.Processes, it.Port) = (FakeProcesses.None, FakePort.None);
        if (!arrival.HadLayer)
        {
            lock (kernel.Gate) kernel.Instances.Remove(aid);
        }

        return held;
    }

    private static string Digest(Aid aid, string handOff) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes($"{aid} {handOff}")));

    private static async Task<long> SendAsync(Stream to, string text, CancellationToken cancellationToken)
    {
        var line = Encoding.UTF8.GetBytes(text + "\n");
        await to.WriteAsync(line, cancellationToken);
        await to.FlushAsync(cancellationToken);
        return line.Length;
    }

    private static async Task ReceiveAsync(Stream from, string expected, CancellationToken cancellationToken)
    {
        var line = await new StreamReader(from, Encoding.UTF8, leaveOpen: true).ReadToEndAsync(cancellationToken);
        if (line != expected + "\n") throw new VniException(ErrorCodes.SnapshotDamaged, $"'{line}' came, and not '{expected}'");
    }

    private FakeArrival Require(Aid aid, string handOff) => _arrivals.TryGetValue(handOff, out var arrival) && arrival.Aid == aid
        ? arrival
        : throw new VniException(ErrorCodes.WrongState, $"no hand-off {handOff} of {aid} is known here");

    /// <summary>What a daemon knows of a hand-off; it is gone with it.</summary>
    private sealed class FakeArrival(Aid aid, bool hadLayer)
    {
        public Aid Aid { get; } = aid;

        public bool HadLayer { get; } = hadLayer;

        public bool Layer { get; set; }

        public bool State { get; set; }

        public bool IsDone { get; set; }
    }
}
