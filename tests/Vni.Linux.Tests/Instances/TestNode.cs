using System.Net;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;

namespace Vni.Linux.Tests.Instances;

/// <summary>A node without a network: directories, cgroups and a watcher of its own, all removed when it is disposed.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly string _id = Guid.NewGuid().ToString("n")[..8];
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));

    public TestNode()
    {
        var scratch = Directory.CreateDirectory($"/var/tmp/vni-test-{_id}").FullName;
        Options = new InterposerOptions
        {
            Node = "test-" + _id,
            StateDirectory = Directory.CreateDirectory(Path.Combine(scratch, "state")).FullName,
            RuntimeDirectory = Directory.CreateDirectory(Path.Combine(scratch, "run")).FullName,
            HarnessPath = Harness.FilePath,
            CriuPath = "/usr/local/lib/vniakka/criu/bin/criu",
            Network = new NetworkOptions { Subnet = IPAddress.Parse("10.99.0.0"), PrefixLength = 24 },
        };
        Loop = new EpollLoop("test node");
        Watcher = new PidfdWatcher();
        Spawner = new ProcessSpawner(Watcher);
        Cgroups = new CgroupTree(Options.Node, Loop);
        Layers = new LayerBuilder(Options);
        Launcher = new HarnessLauncher(Options, Spawner);
        Visitors = new VisitorLauncher(Options, Spawner, Cgroups, Loop);
    }

    public InterposerOptions Options { get; }

    public EpollLoop Loop { get; }

    public PidfdWatcher Watcher { get; }

    public IProcessSpawner Spawner { get; }

    public CgroupTree Cgroups { get; }

    public LayerBuilder Layers { get; }

    public HarnessLauncher Launcher { get; }

    public VisitorLauncher Visitors { get; }

    /// <summary>Fires when the test has hung.</summary>
    public CancellationToken Limit => _limit.Token;

    public InstancePaths PathsOf(InstanceSpec spec) => new(Options, spec.Aid);

    public static InstanceSpec Spec(params ProcessDeclaration[] processes) => new(
        Aid.Parse("web"),
        new VirtualIdentity("10.99.0.5", 24, "02:00:0a:63:00:05", "web-1"),
        new ApplicationDeclaration { Name = "web", Processes = processes },
        1);

    public static ProcessDeclaration Shell(string script, string name = "main") => new() { Name = name, Command = ["/bin/sh", "-c", script] };

    public async Task<RunningInstance> StartAsync(InstanceSpec spec)
    {
        Layers.Build(spec, PathsOf(spec));
        var cgroup = Cgroups.Create(spec.Aid, spec.Declaration.Limits);
        await using var prepared = await Launcher.PrepareAsync(spec, PathsOf(spec), cgroup, Limit);
        await prepared.GoAsync(Limit);
        return new RunningInstance(this, spec, cgroup, prepared.InitPid);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var aid in Cgroups.List())
        {
            foreach (var cgroup in new[] { Cgroups.Find(aid), Cgroups.FindVisitors(aid) })
            {
                cgroup.Kill();
                await cgroup.RemoveAsync(CancellationToken.None);
            }
        }

        Cgroups.RemoveIfEmpty();
        Watcher.Dispose();
        Loop.Dispose();
        _limit.Dispose();
        TreeRemoval.Remove(Path.GetDirectoryName(Options.StateDirectory)!);
    }
}

/// <summary>An instance that has been started; the node ends it.</summary>
internal sealed record RunningInstance(TestNode Node, InstanceSpec Spec, Cgroup Cgroup, int InitPid)
{
    /// <summary>Runs a shell script as a visitor; both streams in one.</summary>
    public async Task<(int Status, string Output)> RunAsync(string script, string user = "root", string workdir = "/")
    {
        await using var visitor = await VisitAsync(["/bin/sh", "-c", "exec 2>&1\n" + script], terminal: false, user, workdir);
        var output = await new StreamReader(visitor.Output).ReadToEndAsync(Node.Limit);
        return (await visitor.Exited.WaitAsync(Node.Limit), output);
    }

    public Task<IVisitor> VisitAsync(IReadOnlyList<string> command, bool terminal, string user = "root", string workdir = "/") => Node.Visitors.StartAsync(
        Spec.Aid, InitPid, Spec.Identity, new VisitorRequest(command, new Dictionary<string, string>(), user, workdir, terminal, 100, 40), Node.Limit);

    /// <summary>Returns when all processes have ended.</summary>
    public Task EndedAsync() => Cgroup.WaitUntilEmptyAsync(Node.Limit);

    public IReadOnlyList<ProcessExit> Exits() => ChainRecords.ReadExits(Node.PathsOf(Spec), Spec.Declaration.Processes);

    public void Signal(int signal)
    {
        using var init = Node.Watcher.Watch(InitPid);
        init.Kill(signal);
    }
}
