using Vni.Actors;

namespace Vni.Cli.Playground;

/// <summary>Removes members and farms in whatever state they are, half-made or half-dead ones too.</summary>
internal sealed class Wreckage(Tools tools, Cgroups cgroups, TimeProvider clock)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    /// <summary>Switches a member off: no process, network, mount or runtime directory of it is left, as after a power failure. Its disk stays.</summary>
    public async Task SwitchOffAsync(FarmMember member)
    {
        await EndAsync([member.Namespace], NodeCgroup(member));
        if (member.Runtime is { } runtime) Remove(runtime);
        if (member.State is { } state) Mounts.Clear(state);
        if (member.Role == FarmRole.Node) File.Delete(member.Socket);
    }

    /// <summary>Removes all that a farm of this name may have left.</summary>
    /// <returns>Whether there was anything.</returns>
    public async Task<bool> ClearAsync(string name)
    {
        var places = FarmPlaces.Of(name);
        var namespaces = FarmPlan.PossibleNamespaces(name).Where(n => File.Exists(Tools.NamespaceFile(n))).ToList();
        // A node of the same name that is not of this farm has no directory in it.
        int[] nodes = [.. Enumerable.Range(1, FarmShape.MostNodes).Where(n => Directory.Exists($"{places.Directory}/n{n}"))];
        var found = namespaces.Count > 0 || places.All.Any(Directory.Exists);
        await EndAsync(namespaces, [.. FarmPlan.PossibleNamespaces(name), .. nodes.Select(n => $"vni-{FarmPlan.IdentityOf(name, n)}")]);
        foreach (var node in nodes.Select(n => FarmPlan.IdentityOf(name, n)))
        {
            File.Delete($"/run/lock/vnid-{node}.lock");
            Remove($"/dev/shm/vniakka-{node}");
        }

        // What tells that there was a farm goes last: a clearing that is interrupted can be repeated.
        foreach (var place in places.All.Reverse()) Remove(place);
        foreach (var shared in FarmPlaces.Shared.Where(Directory.Exists)) _ = Terminal.Libc.RemoveDirectory(shared);
        return found;
    }

    private static IReadOnlyList<string> NodeCgroup(FarmMember member) =>
        member.Role == FarmRole.Node ? [member.Namespace, member.InstancesCgroup] : [member.Namespace];

    private async Task EndAsync(IReadOnlyList<string> namespaces, IReadOnlyList<string> groups)
    {
        // The daemons first, or they would see their instances die and tell somebody.
        foreach (var group in groups) cgroups.Kill(group);
        foreach (var name in namespaces)
        {
            var started = clock.GetTimestamp();
            while (Processes.KillIn(name))
            {
                if (clock.GetElapsedTime(started) > s_patience)
                    throw new VniException(ErrorCodes.Internal, $"processes in network namespace '{name}' do not end: look at them with 'ip netns pids {name}', and run 'vni farm down' again");
                await Task.Delay(s_pause, clock);
            }
        }

        foreach (var group in groups) await cgroups.RemoveAsync(group);
        foreach (var name in namespaces)
        {
            var file = Tools.NamespaceFile(name);
            if (Mounts.NamespaceAt(file) is not null) await tools.IpAsync("netns", "del", name);
            // What a crash of the machine has left is a plain file.
            else File.Delete(file);
        }
    }

    private static void Remove(string directory)
    {
        Mounts.Clear(directory);
        if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
    }
}
