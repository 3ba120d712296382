using System.Text;
using Vni.Actors.Identity;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Checkpoint.Queues;
using Vni.Interposer.Linux;

namespace Vni.Linux.Tests.Checkpoint;

/// <summary>An instance without a shell: harness, namespaces, layer and cgroup, and a network of loopback only.</summary>
internal sealed class TestInstance : IAsyncDisposable
{
    private static readonly PidfdWatcher Watcher = new();

    private TestInstance(string name)
    {
        Aid = Aid.Parse(name);
        Directory = Path.Combine(Path.GetTempPath(), name);
        Cgroup = Path.Combine(Cgroup2, name);
        foreach (var d in new[] { Upper, Work, Root, Logs, RuntimeDirectory, Path.Combine(Upper, ".vni"), Path.Combine(Upper, "dev/pts"), Path.Combine(Upper, "dev/shm"), Path.Combine(Upper, "dev/mqueue"), Cgroup })
        {
            System.IO.Directory.CreateDirectory(d);
        }

        Spawner = new ProcessSpawner(Watcher);
    }

    public Aid Aid { get; }

    public string Directory { get; }

    public string Upper => Path.Combine(Directory, "upper");

    public string Work => Path.Combine(Directory, "work");

    public string Root => Path.Combine(Directory, "root");

    public string Logs => Path.Combine(Directory, "logs");

    public string Cgroup { get; }

    public ProcessSpawner Spawner { get; }

    public int InitPid { get; set; }

    public CriuLaunch DumpLaunch => new() { HarnessPath = Programs.Harness, CriuPath = Programs.Criu, RuntimeDirectory = RuntimeDirectory };

    public CriuLaunch RestoreLaunch => DumpLaunch with { Cgroups = [Cgroup], Overlay = new OverlayMount("/", Upper, Work, Root) };

    /// <summary>One for the test run, so that CRIU probes the kernel once.</summary>
    private static string RuntimeDirectory { get; } = MakeRuntimeDirectory();

    internal static string Cgroup2 => File.ReadLines("/proc/self/mounts").Select(l => l.Split(' ')).First(f => f[2] == "cgroup2")[1];

    /// <summary>Starts a chain; returns when all programs have been executed.</summary>
    public static async Task<TestInstance> StartAsync(params string[][] chain)
    {
        var instance = new TestInstance($"vni-test-{Guid.NewGuid():n}"[..24]);
        try
        {
            await instance.LaunchAsync(chain);
            return instance;
        }
        catch
        {
            await instance.DisposeAsync();
            throw;
        }
    }

    public string NewDirectory(string name) => System.IO.Directory.CreateDirectory(Path.Combine(Directory, name)).FullName;

    public void Freeze()
    {
        File.WriteAllText(Path.Combine(Cgroup, "cgroup.freeze"), "1");
        SpinWait.SpinUntil(() => File.ReadAllText(Path.Combine(Cgroup, "cgroup.events")).Contains("frozen 1"), TimeSpan.FromSeconds(10));
    }

    public void Thaw() => File.WriteAllText(Path.Combine(Cgroup, "cgroup.freeze"), "0");

    /// <summary>Dumps the frozen processes into a directory.</summary>
    public async Task DumpAsync(string images)
    {
        var queues = OpenQueue.Find(ProcReader.Node, Pids());
        await using var criu = CriuSession.Start(Spawner, DumpLaunch);
        await Dump.RunAsync(criu, new DumpRequest { Aid = Aid, InitPid = InitPid, FrozenCgroup = Cgroup, ImagesDirectory = images, LogDirectory = Logs, Queues = queues });
        if (queues.Count > 0) await Queues(images).SaveAsync(InitPid, queues, Cgroup2);
    }

    public QueueImage Queues(string images) => new(Spawner, Programs.Harness, Aid, images);

    /// <summary>Restores from a directory.</summary>
    public async Task<Restored> RestoreAsync(string images, IRestoreStages stages, CancellationToken cancellationToken = default)
    {
        await using var criu = CriuSession.Start(Spawner, RestoreLaunch);
        var restored = await Restore.RunAsync(criu, RestoreRequest(images), stages, cancellationToken);
        InitPid = restored.InitPid;
        return restored;
    }

    public RestoreRequest RestoreRequest(string images) => new() { Aid = Aid, ImagesDirectory = images, LogDirectory = Logs, Root = Root };

    /// <summary>Ends all processes and waits until they are gone.</summary>
    public async Task KillAsync()
    {
        File.WriteAllText(Path.Combine(Cgroup, "cgroup.kill"), "1");
        Thaw();
        await EmptyAsync();
    }

    /// <summary>Waits until no process is left in the cgroup.</summary>
    public Task EmptyAsync() => UntilAsync(() => Pids().Count == 0, "the cgroup to be empty");

    public IReadOnlyList<int> Pids() => [.. File.ReadLines(Path.Combine(Cgroup, "cgroup.procs")).Select(int.Parse)];

    /// <summary>Sends one line to a port of the instance's loopback; the line that it answers.</summary>
    public string Ask(int port, string line) =>
        Programs.Run("nsenter", "-n", "-t", InitPid.ToString(), "/bin/bash", "-c", $"exec 3<>/dev/tcp/127.0.0.1/{port}; echo '{line}' >&3; head -n 1 <&3").Trim();

    /// <summary>Waits until a port is listened on.</summary>
    public Task ListeningAsync(int port) => UntilAsync(
        () => File.ReadAllText($"/proc/{InitPid}/net/tcp").Contains($":{port:X4} 00000000:0000 0A"), $"a listener on port {port}");

    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            if (limit.IsCancellationRequested) throw new TimeoutException($"waited in vain for {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        }
    }

    public static void PlumbLoopback(int pid) => Programs.Run("nsenter", "-n", "-t", pid.ToString(), "ip", "link", "set", "lo", "up");

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        await UntilAsync(
            () =>
            {
                try
                {
                    System.IO.Directory.Delete(Cgroup);
                    return true;
                }
                catch (IOException)
                {
                    return false; // A killed process leaves its cgroup a little later than its pid.
                }
            },
            "the cgroup to go");
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private static string MakeRuntimeDirectory()
    {
        var directory = System.IO.Directory.CreateDirectory($"/dev/shm/vni-criu-{Environment.ProcessId}").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => System.IO.Directory.Delete(directory, recursive: true);
        return directory;
    }

    private async Task LaunchAsync(string[][] chain)
    {
        File.Copy(Programs.Harness, Path.Combine(Upper, ".vni/appshot"));
        Programs.Run("cp", "-r", Programs.Directory, Path.Combine(Upper, "apps"));
        foreach (var (name, device) in new[] { ("null", "1 3"), ("zero", "1 5"), ("full", "1 7"), ("random", "1 8"), ("urandom", "1 9"), ("tty", "5 0"), ("fuse", "10 229"), ("kmsg", "1 11") })
        {
            Programs.Run("mknod", ["-m", "666", Path.Combine(Upper, "dev", name), "c", .. device.Split(' ')]);
        }

        File.CreateSymbolicLink(Path.Combine(Upper, "dev/ptmx"), "pts/ptmx");
        var spec = Path.Combine(Upper, ".vni/spec");
        WriteSpec(spec, chain);
        var (socket, child) = SeqPacketSocket.CreatePair();
        using (socket)
        {
            using (child) Spawner.Spawn(Programs.Harness, ["instance", spec], [(3, child)]).Dispose();
            InitPid = int.Parse((await ReceiveAsync(socket))["init ".Length..]);
            PlumbLoopback(InitPid);
            socket.Send("go"u8);
            if (await ReceiveAsync(socket) is var answer && answer != "started") throw new InvalidOperationException(answer);

            // The harness closes its end a moment after it has said so; open, it could not be dumped.
            await socket.ReceiveAsync(CancellationToken.None);
        }
    }

    private static async Task<string> ReceiveAsync(SeqPacketSocket socket) =>
        Encoding.UTF8.GetString(await socket.ReceiveAsync(CancellationToken.None) ?? "the harness has ended"u8);

    private void WriteSpec(string path, string[][] chain)
    {
        var spec = new StringBuilder();
        void Add(string key, string value) => spec.Append(key).Append('\0').Append(value).Append('\0');
        Add("hostname", "test");
        Add("lower", "/");
        Add("upper", Upper);
        Add("work", Work);
        Add("root", Root);
        Add("cgroup", Cgroup);
        for (var i = 0; i < chain.Length; i++)
        {
            Add("process", $"p{i}");
            Add("env", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
            foreach (var argument in chain[i]) Add("arg", argument);
        }

        Add("end", "");
        File.WriteAllText(path, spec.ToString());
    }
}
