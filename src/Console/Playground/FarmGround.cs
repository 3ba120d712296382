using Vni.Actors;
using Vni.Actors.Security;
using Vni.Client;

namespace Vni.Cli.Playground;

/// <summary>A farm on this machine, and everything that can be done to it from outside. Only root can.</summary>
internal sealed class FarmGround(string name, Host host)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private const int TellingLines = 5;

    private readonly Tools _tools = new(host.Environment);

    private Cgroups Cgroups => field ??= new Cgroups(host.Clock);

    private Wreckage Wreckage => field ??= new Wreckage(_tools, Cgroups, host.Clock);

    /// <summary>Makes a farm, unless it is there.</summary>
    /// <returns>The farm, and whether it was made now.</returns>
    /// <exception cref="VniException"><see cref="ErrorCodes.Conflict"/>: one of another shape, or what is left of one, is in the way.</exception>
    public async Task<(FarmRecord Farm, bool New)> UpAsync(FarmShape shape, string programs, CancellationToken cancellationToken)
    {
        using var alone = FarmLock.Take(name);
        var places = FarmPlaces.Of(name);
        // The record alone may be what a crash of the machine has left.
        if (FarmRecord.Read(places) is { Complete: true } there && Mounts.NamespaceAt(Tools.NamespaceFile(there.Plan.Switch)) is not null)
        {
            if (there.Shape == shape) return (there, false);
            throw new VniException(ErrorCodes.Conflict, $"farm '{name}' is up with {there.Shape.Beside(shape)}: take it down first ('vni farm down{Option}'), or give the new one another --name");
        }

        // What a killed command left is in the way of nobody else.
        await Wreckage.ClearAsync(name);
        var farm = new FarmRecord { Shape = shape, Programs = FarmPrograms.Locate(shape, programs, host.Environment("PATH")) };
        try
        {
            return (await MakeAsync(farm, cancellationToken), true);
        }
        catch
        {
            await Wreckage.ClearAsync(name);
            throw;
        }
    }

    /// <summary>Removes the farm, or what is left of it.</summary>
    /// <returns>Whether there was anything.</returns>
    public async Task<bool> DownAsync()
    {
        using var alone = FarmLock.Take(name);
        return await Wreckage.ClearAsync(name);
    }

    /// <summary>The farm.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NotFound"/>: it is not up.</exception>
    public FarmRecord Read() => FarmRecord.Read(FarmPlaces.Of(name)) switch
    {
        { Complete: true } farm => farm,
        null when Directory.Exists(FarmPlaces.Runtime) && !Environment.IsPrivilegedProcess => throw NotRoot(),
        null when !Directory.Exists(FarmPlaces.Of(name).Directory) => throw new VniException(ErrorCodes.NotFound, $"farm '{name}' is not up: make it with 'vni farm up{Option}'"),
        _ => throw new VniException(ErrorCodes.WrongState, $"farm '{name}' is only half there: remove what is left with 'vni farm down{Option}'"),
    };

    /// <summary>Cuts members, as a group, off from everybody else; they still reach each other.</summary>
    public Task<FarmRecord> PartitionAsync(IReadOnlyList<string> members) => ChangeAsync(async farm =>
    {
        string[] cut = [.. members.SelectMany(farm.Plan.FindAll).Select(m => m.Name).Distinct()];
        // A free number: bridges are not renamed when another island has become empty.
        var islands = farm.Islands.Select(i => (IReadOnlyList<string>)[.. i.Except(cut)]).ToList();
        var free = islands.FindIndex(i => i.Count == 0);
        if (free < 0) islands.Add(cut);
        else islands[free] = cut;
        var bridge = FarmNetwork.Island(free < 0 ? islands.Count - 1 : free);
        if (free < 0) await _tools.IpAsync(farm.Plan.Switch, FarmNetwork.Bridge(bridge));
        await _tools.IpAsync(farm.Plan.Switch, FarmNetwork.Move(cut.Where(m => IsOn(farm.Plan.Find(m))), bridge));
        return farm with { Islands = islands };
    });

    /// <summary>Blocks the paths between members and one other.</summary>
    public Task<FarmRecord> BlockAsync(IReadOnlyList<string> members, string target) => ChangeAsync(async farm =>
    {
        var paths =
            from a in members.SelectMany(farm.Plan.FindAll)
            from b in farm.Plan.FindAll(target)
            select a == b
                ? throw new VniException(ErrorCodes.InvalidArgument, $"'{a.Name}' cannot be cut off from itself: name another member with --from")
                : new BlockedPath(a.Name, b.Name);
        BlockedPath[] blocked = [.. farm.Blocked.Concat(paths).Distinct()];
        await _tools.NftAsync(farm.Plan.Switch, FarmNetwork.Rules(blocked));
        return farm with { Blocked = blocked };
    });

    /// <summary>Ends every partition.</summary>
    public Task<FarmRecord> HealAsync() => ChangeAsync(async farm =>
    {
        var text = FarmNetwork.Move(farm.Islands.SelectMany(i => i).Where(m => IsOn(farm.Plan.Find(m))), FarmNetwork.Mainland)
            + string.Concat(farm.Islands.Select((_, i) => FarmNetwork.Remove(FarmNetwork.Island(i))));
        if (text.Length > 0) await _tools.IpAsync(farm.Plan.Switch, text);
        if (farm.Blocked.Count > 0) await _tools.NftAsync(farm.Plan.Switch, FarmNetwork.Rules([]));
        return farm with { Islands = [], Blocked = [] };
    });

    /// <summary>Ends a member's daemon at once; or everything of it, as a power failure does.</summary>
    public Task<FarmRecord> KillAsync(string member, bool daemonOnly) => ChangeAsync(async farm =>
    {
        var victim = Daemon(farm.Plan, member);
        if (!daemonOnly) await Wreckage.SwitchOffAsync(victim);
        else if (farm.Daemons.GetValueOrDefault(victim.Name) is { } daemon)
        {
            Processes.Kill(daemon);
            while (!Processes.IsGone(daemon)) await Task.Delay(s_pause, host.Clock); // What it held is free when it is gone.
        }

        return farm.With(victim.Name, null);
    });

    /// <summary>Starts a member's daemon again, and switches its machine on before if need be.</summary>
    public Task<FarmRecord> RestartAsync(string member, CancellationToken cancellationToken) => ChangeAsync(async farm =>
    {
        var victim = Daemon(farm.Plan, member);
        if (farm.Daemons.GetValueOrDefault(victim.Name) is { } daemon)
        {
            if (Processes.IsAlive(daemon)) throw new VniException(ErrorCodes.WrongState, $"the daemon of '{victim.Name}' is running: end it first with 'vni farm kill {victim.Name} --daemon-only{Option}'");
            while (!Processes.IsGone(daemon)) await Task.Delay(s_pause, host.Clock, cancellationToken);
        }

        if (!IsOn(victim)) await SwitchOnAsync(farm, victim);
        farm = Start(farm, victim);
        farm.Write();
        await WaitAsync(farm, victim, cancellationToken);
        return farm;
    });

    /// <summary>Runs a command in a member's namespace, at our own terminal.</summary>
    /// <returns>Its exit status.</returns>
    public async Task<int> RunInAsync(string member, IReadOnlyList<string> command, string programs, CancellationToken cancellationToken)
    {
        RequireRoot();
        var farm = Read();
        var where = farm.Plan.Find(member);
        if (!IsOn(where)) throw new VniException(ErrorCodes.WrongState, $"'{where.Name}' is switched off: switch it on with 'vni farm restart {where.Name}{Option}'");
        // So that 'vni' means this one, and speaks to this node.
        var variables = new Dictionary<string, string> { ["PATH"] = $"{Path.TrimEndingDirectorySeparator(programs)}:{host.Environment("PATH")}" };
        if (where.Role == FarmRole.Node) variables[VniEndpoint.SocketVariable] = where.Socket;
        var (program, arguments) = _tools.Enter(where.Namespace, command);
        cancellationToken.ThrowIfCancellationRequested();
        var pid = Tools.StartHere(program, arguments, variables);
        // Ctrl-C at a terminal reaches the command by itself; any other signal reaches only us.
        host.Interruption.ForwardTo(signal =>
        {
            if (!(host.InputIsTerminal && signal == Values.Signals.Interrupt)) _ = Terminal.Libc.Kill(pid, signal);
            return true;
        });
        try
        {
            return await Task.Run(() => Terminal.Libc.Wait(pid));
        }
        finally
        {
            host.Interruption.ForwardTo(null);
        }
    }

    /// <summary>Whether a member has a machine to run on.</summary>
    public static bool IsOn(FarmMember member) => Mounts.NamespaceAt(Tools.NamespaceFile(member.Namespace)) is not null;

    /// <exception cref="VniException"><see cref="ErrorCodes.NodeIncapable"/>: we are not root.</exception>
    public static void RequireRoot()
    {
        if (!Environment.IsPrivilegedProcess) throw NotRoot();
    }

    private static VniException NotRoot() => new(ErrorCodes.NodeIncapable, "farms are made of network namespaces and daemons, which only root can make and see: use sudo");

    private string Option => name == FarmShape.DefaultName ? "" : $" --name {name}";

    private async Task<FarmRecord> MakeAsync(FarmRecord farm, CancellationToken cancellationToken)
    {
        var plan = farm.Plan;
        foreach (var place in plan.Places.All) Directory.CreateDirectory(place, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        farm.Write();
        FarmAuthority.Create(plan.Places.Certificates, host.Clock);
        foreach (var member in plan.Members) Equip(plan, member);

        await _tools.IpAsync("netns", "add", plan.Switch);
        await _tools.IpAsync(plan.Switch, "link set lo up\n" + FarmNetwork.Bridge(FarmNetwork.Mainland));
        foreach (var member in plan.Members)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await SwitchOnAsync(farm, member);
        }

        // Nodes look for the registry as soon as they start, and all members of etcd for each other.
        foreach (var role in new[] { FarmRole.Registry, FarmRole.Node })
        {
            var members = plan.Members.Where(m => m.Role == role).ToList();
            foreach (var member in members) farm = Start(farm, member);
            farm.Write();
            foreach (var member in members) await WaitAsync(farm, member, cancellationToken);
        }

        farm = farm with { Complete = true };
        farm.Write();
        return farm;
    }

    private void Equip(FarmPlan plan, FarmMember member)
    {
        Directory.CreateDirectory(member.Directory);
        if (member.State is { } state) Directory.CreateDirectory(state, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var role = member.Role switch { FarmRole.Node => PeerRole.Node, FarmRole.Registry => PeerRole.Registry, _ => PeerRole.Operator };
        FarmAuthority.Issue(plan.Places.Certificates, member.Identity, role, [member.Address, "127.0.0.1", "localhost"], host.Clock);
        if (member is { ConfigurationFile: { } file, Configuration: { } text }) File.WriteAllText(file, text);
    }

    private async Task SwitchOnAsync(FarmRecord farm, FarmMember member)
    {
        await _tools.IpAsync("netns", "add", member.Namespace);
        await _tools.IpAsync(farm.Plan.Switch, FarmNetwork.Cable(member, farm.BridgeOf(member.Name)));
        await _tools.IpAsync(member.Namespace, FarmNetwork.End(member));
    }

    private FarmRecord Start(FarmRecord farm, FarmMember member)
    {
        var cgroup = Cgroups.Create(member.Namespace);
        var pid = _tools.StartDaemon(member.Daemon!, member.Namespace, cgroup, member.Log);
        // A daemon that has ended already has no mark, and is found out when it is waited for.
        return farm.With(member.Name, Processes.MarkOf(pid) ?? new ProcessMark(pid, 0));
    }

    private async Task WaitAsync(FarmRecord farm, FarmMember member, CancellationToken cancellationToken)
    {
        var started = host.Clock.GetTimestamp();
        var daemon = farm.Daemons[member.Name];
        while (!Processes.Listens(daemon.Pid, member.Port) || (member.Role == FarmRole.Node && !await AnswersAsync(member, cancellationToken)))
        {
            if (!Processes.IsAlive(daemon)) throw NotStarted(member, "it has ended");
            if (host.Clock.GetElapsedTime(started) > s_patience) throw NotStarted(member, $"it does not answer after {s_patience.TotalSeconds:0} s");
            await Task.Delay(s_pause, host.Clock, cancellationToken);
        }
    }

    private static async Task<bool> AnswersAsync(FarmMember node, CancellationToken cancellationToken)
    {
        try
        {
            using var client = new VniClient(node.Socket);
            await client.GetVersionAsync(cancellationToken);
            return true;
        }
        catch (VniException e) when (e.Code == ErrorCodes.DaemonUnavailable)
        {
            return false;
        }
    }

    private static VniException NotStarted(FarmMember member, string why)
    {
        var said = File.Exists(member.Log) ? File.ReadLines(member.Log).TakeLast(TellingLines) : [];
        return new VniException(ErrorCodes.NodeIncapable, string.Join('\n', said.Prepend($"{Path.GetFileName(member.Daemon![0])} of '{member.Name}' did not start: {why}; the last that it said:")));
    }

    private static FarmMember Daemon(FarmPlan plan, string member) => plan.Find(member) is { Daemon: not null } found
        ? found
        : throw new VniException(ErrorCodes.InvalidArgument, $"no daemon runs in '{member}': name a node or a member of the registry");

    private async Task<FarmRecord> ChangeAsync(Func<FarmRecord, Task<FarmRecord>> change)
    {
        RequireRoot();
        using var alone = FarmLock.Take(name);
        var changed = await change(Read());
        changed.Write();
        return changed;
    }
}
