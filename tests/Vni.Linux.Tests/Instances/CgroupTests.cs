using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Instances;

public sealed class CgroupTests : IAsyncLifetime, IDisposable
{
    private readonly EpollLoop _loop = new("cgroup tests");
    private readonly PidfdWatcher _watcher = new();
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));
    private readonly CgroupTree _tree;

    public CgroupTests() => _tree = new CgroupTree("test-" + Guid.NewGuid().ToString("n")[..8], _loop);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var aid in _tree.List())
        {
            foreach (var cgroup in new[] { _tree.Find(aid), _tree.FindVisitors(aid) })
            {
                cgroup.Kill();
                await cgroup.RemoveAsync(CancellationToken.None); // Also when the test has run out of time.
            }
        }

        _tree.RemoveIfEmpty();
        Assert.False(Directory.Exists(_tree.Root));
    }

    public void Dispose()
    {
        _watcher.Dispose();
        _loop.Dispose();
        _limit.Dispose();
    }

    [Fact]
    public async Task Frozen_processes_stand_still_until_they_are_thawed()
    {
        var cgroup = _tree.Create(Aid.Parse("web"), new ResourceLimits());
        using var process = Start(cgroup, "while :; do :; done");
        await cgroup.FreezeAsync(_limit.Token);
        Assert.True(cgroup.IsFrozen);
        var before = Usage(process.Pid);
        await cgroup.FreezeAsync(_limit.Token);
        Assert.Equal(before, Usage(process.Pid));
        await cgroup.ThawAsync(_limit.Token);
        Assert.False(cgroup.IsFrozen);
        while (Usage(process.Pid) == before) await Task.Yield();
    }

    [Fact]
    public async Task Killing_reaches_frozen_processes_and_children_and_removal_waits_for_the_last()
    {
        var cgroup = _tree.Create(Aid.Parse("web"), new ResourceLimits());
        using var process = Start(cgroup, "for i in 1 2 3 4 5; do sleep 1000 & done; wait");
        while (cgroup.Pids().Count < 6) await Task.Yield();
        await cgroup.FreezeAsync(_limit.Token);
        Assert.True(cgroup.IsPopulated);
        cgroup.Kill();
        await cgroup.RemoveAsync(_limit.Token);
        Assert.False(cgroup.Exists);
        Assert.Equal(137, await process.Exited);
        Assert.Empty(cgroup.Pids());
        await cgroup.RemoveAsync(_limit.Token);
        cgroup.Kill();
    }

    [Fact]
    public async Task Waiting_for_an_empty_cgroup_ends_when_its_last_process_does()
    {
        var cgroup = _tree.Create(Aid.Parse("web"), new ResourceLimits());
        using var process = Start(cgroup, "exec sleep 1000");
        var empty = cgroup.WaitUntilEmptyAsync(_limit.Token);
        Assert.False(empty.IsCompleted);
        process.Kill(Libc.SIGKILL);
        await empty;
    }

    [Fact]
    public async Task Waiting_is_cancelled_and_leaves_nothing_behind()
    {
        var cgroup = _tree.Create(Aid.Parse("web"), new ResourceLimits());
        using var process = Start(cgroup, "exec sleep 1000");
        using var cancel = new CancellationTokenSource();
        var empty = cgroup.WaitUntilEmptyAsync(cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => empty);
        Assert.True(cgroup.IsPopulated);
    }

    [Fact]
    public void Visitors_have_a_cgroup_beside_the_instances_and_the_list_names_each_instance_once()
    {
        _tree.Create(Aid.Parse("web"), new ResourceLimits());
        var visitors = _tree.CreateVisitors(Aid.Parse("web"));
        _tree.CreateVisitors(Aid.Parse("lost"));
        Assert.Equal(Path.Combine(_tree.Root, "web.visitors"), visitors.Directory);
        Assert.Equal(["lost", "web"], _tree.List().Select(a => a.Value));
    }

    [Fact]
    public async Task Memory_limit_ends_a_process_that_exceeds_it()
    {
        var cgroup = _tree.Create(Aid.Parse("web"), new ResourceLimits { Memory = 32 << 20 });
        using var process = Start(cgroup, "exec /usr/bin/python3 -c 'x = bytearray(200 << 20); print(len(x))'");
        Assert.Equal(137, await process.Exited);
        await cgroup.RemoveAsync(_limit.Token);
        Assert.All(cgroup.Directories, d => Assert.False(Directory.Exists(d)));
    }

    [Fact]
    public void Processor_limit_is_set_where_the_controller_is()
    {
        var cgroup = _tree.Create(Aid.Parse("web"), new ResourceLimits { Cpus = 0.5 });
        var quotas = cgroup.Directories.SelectMany(d => new[] { Path.Combine(d, "cpu.max"), Path.Combine(d, "cpu.cfs_quota_us") }).Where(File.Exists).Select(File.ReadAllText);
        Assert.StartsWith("50000", Assert.Single(quotas, q => !q.StartsWith("max", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_nodes_directory_stays_while_an_instance_is_in_it()
    {
        _tree.Create(Aid.Parse("web"), new ResourceLimits());
        _tree.RemoveIfEmpty();
        Assert.True(Directory.Exists(_tree.Root));
    }

    private SpawnedProcess Start(Cgroup cgroup, string script)
    {
        // The shell puts itself into all directories before it goes on.
        var join = string.Concat(cgroup.Directories.Select(d => $"echo $$ > {d}/cgroup.procs && "));
        var process = new ProcessSpawner(_watcher).Spawn("/bin/sh", ["-c", join + "{ " + script + "\n}"], []);
        SpinWait.SpinUntil(() => cgroup.Pids().Contains(process.Pid) || process.Exited.IsCompleted, TimeSpan.FromSeconds(20));
        return process;
    }

    /// <summary>Clock ticks spent in user mode; proc_pid_stat(5).</summary>
    private static string Usage(int pid) => File.ReadAllText($"/proc/{pid}/stat").Split(' ')[13];
}
