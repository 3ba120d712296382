using Vni.Actors;

namespace Vni.Cli.Playground;

/// <summary>Cgroups of members: whatever a daemon has started, and left, is in one.</summary>
internal sealed class Cgroups(TimeProvider clock)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    private readonly IReadOnlyList<string> _hierarchies = Mounts.Cgroups();

    /// <summary>Makes a cgroup at the top of the v2 hierarchy.</summary>
    /// <returns>Its directory.</returns>
    /// <exception cref="VniException"><see cref="ErrorCodes.NodeIncapable"/>: there is no such hierarchy.</exception>
    public string Create(string name)
    {
        if (_hierarchies is not [var unified, ..] || !File.Exists($"{unified}/cgroup.procs"))
            throw new VniException(ErrorCodes.NodeIncapable, "this machine has no cgroup v2 hierarchy, which a farm needs: run 'make setup'");
        return Directory.CreateDirectory($"{unified}/{name}").FullName;
    }

    /// <summary>Ends every process in a cgroup and those below it.</summary>
    public void Kill(string name)
    {
        foreach (var file in _hierarchies.Select(h => $"{h}/{name}/cgroup.kill").Where(File.Exists)) File.WriteAllText(file, "1");
    }

    /// <summary>Removes a cgroup and those below it from all hierarchies; waits for killed processes to be gone.</summary>
    public async Task RemoveAsync(string name)
    {
        foreach (var top in _hierarchies.Select(h => $"{h}/{name}").Where(Directory.Exists))
        {
            // The kernel's files in them go with the directories: only these can be removed.
            foreach (var directory in Directory.EnumerateDirectories(top, "*", SearchOption.AllDirectories).OrderByDescending(d => d.Length).Append(top).ToList())
            {
                await RemoveDirectoryAsync(directory);
            }
        }
    }

    private async Task RemoveDirectoryAsync(string directory)
    {
        var started = clock.GetTimestamp();
        while (Directory.Exists(directory))
        {
            if (Terminal.Libc.RemoveDirectory(directory) == 0) return;
            if (clock.GetElapsedTime(started) > s_patience)
                throw new VniException(ErrorCodes.Internal, $"cgroup '{directory}' cannot be removed: processes in it do not end ({Pids(directory)}); look at them and run 'vni farm down' again");
            await Task.Delay(s_pause, clock);
        }
    }

    private static string Pids(string directory) => string.Join(' ', File.ReadLines($"{directory}/cgroup.procs"));
}
