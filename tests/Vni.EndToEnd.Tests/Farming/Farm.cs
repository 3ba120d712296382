using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;

namespace Vni.EndToEnd.Tests.Farming;

/// <summary>What a test may want different.</summary>
internal sealed record FarmOptions
{
    /// <summary>Size of a file system of its own for the state, as tmpfs(5) writes it; <c>null</c>: none.</summary>
    public string? StateSize { get; init; }

    /// <summary>Range of the virtual addresses.</summary>
    public string Subnet { get; init; } = "10.117.0.0/16";
}

/// <summary>
/// A node and a client on this machine: the shipped <c>vnid</c> in a network namespace of its own, and a second one,
/// joined to its bridge, in which clients make their sockets. No route leads out. Names are this farm's alone;
/// everything goes when it is disposed, whatever state it is in.
/// </summary>
internal sealed class Farm : IAsyncDisposable
{
    /// <summary>The client's address: in the range, far from the end at which vnid begins.</summary>
    public const string ClientIp = "10.117.200.1";

    /// <summary>vnid's own address.</summary>
    public const string Gateway = "10.117.0.1";

    /// <summary>The one cgroup that the daemon keeps for itself: its name is no application's, for it holds a dot.</summary>
    private const string CriuSessions = "criu.sessions";

    private readonly FarmOptions _options;
    private readonly string _id = "vnie" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3));
    private NetworkNamespace? _node;
    private NetworkNamespace? _client;
    private Process? _daemon;

    private Farm(FarmOptions options) => _options = options;

    public NetworkNamespace Node => _node!;

    public NetworkNamespace Client => _client!;

    /// <summary>Name of the node.</summary>
    public string Name => _id;

    /// <summary>Everything of the farm on disk. Not in <c>/tmp</c>: an instance sees the root file system alone.</summary>
    public string Directory => $"/var/tmp/{_id}";

    /// <summary>The daemon's state.</summary>
    public string State => Path.Combine(Directory, "state");

    /// <summary>The daemon's socket.</summary>
    public string Socket => Path.Combine(Directory, "vnid.sock");

    /// <summary>Pid of the daemon.</summary>
    public int DaemonPid => _daemon!.Id;

    /// <summary>The node's cgroup.</summary>
    public string Cgroup => Path.Combine(CgroupRoot, "vni-" + _id);

    private string Runtime => $"/dev/shm/{_id}";

    private static string CgroupRoot { get; } = File.ReadLines("/proc/self/mounts").Select(line => line.Split(' ')).First(f => f[2] == "cgroup2")[1];

    public static async Task<Farm> StartAsync(FarmOptions? options = null)
    {
        var farm = new Farm(options ?? new FarmOptions());
        try
        {
            await farm.BuildAsync();
            return farm;
        }
        catch
        {
            await farm.DisposeAsync();
            throw;
        }
    }

    private async Task BuildAsync()
    {
        foreach (var directory in new[] { Directory, State, Runtime }) System.IO.Directory.CreateDirectory(directory);
        if (_options.StateSize is { } size) await Shell.RunAsync($"mount -t tmpfs -o size={size},mode=755 {_id} {State}");
        _node = await NetworkNamespace.MakeAsync(_id + "n");
        _client = await NetworkNamespace.MakeAsync(_id + "c");
        await StartDaemonAsync();
        await Node.IpAsync($"link add client type veth peer name eth0 netns {Client.Name}");
        await Node.IpAsync("link set client master vni0 up");
        await Client.IpAsync($"addr add {ClientIp}/16 dev eth0");
        await Client.IpAsync("link set eth0 up");
    }

    /// <summary>Starts the daemon and waits until it answers.</summary>
    /// <param name="fault">The point at which it is to kill itself (<c>VNI_FAULT</c>), or <c>null</c>.</param>
    /// <param name="cpuInfo">A file that it sees in place of <c>/proc/cpuinfo</c>, or <c>null</c>.</param>
    public async Task StartDaemonAsync(string? fault = null, string? cpuInfo = null)
    {
        const string Script = "exec >>\"$LOG\" 2>&1 </dev/null; [ -z \"$CPUINFO\" ] || mount --bind \"$CPUINFO\" /proc/cpuinfo; exec nsenter --net=\"$NETNS\" \"$@\"";
        string[] command =
        [
            "sh", "-c", Script, "vnid", Repository.Binary("vnid"), "--state", State, "--runtime", Runtime, "--socket", Socket,
            "--node", Name, "--bridge", "vni0", "--subnet", _options.Subnet,
        ];
        // A private mount namespace only where one is needed: the daemon is to be tested where it usually lives.
        if (cpuInfo is not null) command = ["unshare", "--mount", .. command];
        var start = new ProcessStartInfo(command[0], command[1..]);
        start.Environment["LOG"] = Path.Combine(Directory, "vnid.log");
        start.Environment["NETNS"] = Node.Path;
        start.Environment["CPUINFO"] = cpuInfo ?? "";
        start.Environment["VNI_FAULT"] = fault ?? "";
        _daemon?.Dispose();
        _daemon = Process.Start(start)!;
        await Eventually.TrueAsync("the start of vnid", () => _daemon.HasExited || Answers());
        if (_daemon.HasExited && fault is null) throw new InvalidOperationException($"vnid ended with status {_daemon.ExitCode}:\n{Log}");
    }

    /// <summary>What the daemon has logged.</summary>
    public string Log => File.ReadAllText(Path.Combine(Directory, "vnid.log"));

    /// <summary>Sends the daemon SIGKILL and waits until it is gone.</summary>
    public async Task KillDaemonAsync()
    {
        _daemon!.Kill();
        await _daemon.WaitForExitAsync();
    }

    /// <summary>Sends the daemon SIGTERM and waits for its end; its exit status.</summary>
    public async Task<int> StopDaemonAsync()
    {
        await Shell.RunAsync($"kill -TERM {DaemonPid}");
        await _daemon!.WaitForExitAsync();
        return _daemon.ExitCode;
    }

    /// <summary>Returns when the daemon has died of what it was told to die of.</summary>
    public async Task AwaitDaemonDeathAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await _daemon!.WaitForExitAsync(limit.Token);
    }

    public bool DaemonRuns => !_daemon!.HasExited;

    /// <summary>Runs vni; any exit status.</summary>
    public Task<Outcome> TryVniAsync(params string[] arguments) =>
        Shell.TryAsync(Repository.Binary("vni"), arguments, null, ("VNI_SOCKET", Socket));

    /// <summary>Runs vni, which must succeed; what it printed.</summary>
    public async Task<string> VniAsync(params string[] arguments)
    {
        var outcome = await TryVniAsync(arguments);
        Assert.True(outcome.Status == 0, $"vni {string.Join(' ', arguments)}: {outcome}\n{Tail()}");
        return outcome.Output;
    }

    /// <summary>Runs vni with <c>-o json</c>, which must succeed; what it answered.</summary>
    public async Task<JsonElement> VniJsonAsync(string command, params string[] arguments)
    {
        using var document = JsonDocument.Parse(await VniAsync([command, "-o", "json", .. arguments]));
        return document.RootElement.Clone();
    }

    /// <summary>Runs vni, which must refuse with that code, in one line; the line.</summary>
    public async Task<string> RefusedAsync(string code, params string[] arguments)
    {
        var outcome = await TryVniAsync(arguments);
        var said = $"vni {string.Join(' ', arguments)} should be refused with {code}: {outcome}";
        Assert.True(outcome.Status == 1, said);
        Assert.True(outcome.Error.Contains(code, StringComparison.Ordinal), said);
        return outcome.Error.Trim();
    }

    /// <summary>Starts an application of one process; its view.</summary>
    public Task<JsonElement> RunAsync(string aid, params string[] command) => VniJsonAsync("run", ["--name", aid, "--", .. command]);

    /// <summary>An application as <c>vni inspect</c> shows it.</summary>
    public Task<JsonElement> InspectAsync(string aid) => VniJsonAsync("inspect", aid);

    /// <summary>Its status.</summary>
    public async Task<string> StatusAsync(string aid) => (await InspectAsync(aid)).Text("status");

    /// <summary>Removes all applications.</summary>
    public async Task RemoveAllAsync()
    {
        foreach (var application in (await VniJsonAsync("ps")).EnumerateArray().ToList())
        {
            await VniAsync("rm", "--force", application.Text("aid"));
        }
    }

    /// <summary>What the kernel and the disk still hold of applications: must be nothing when there are none.</summary>
    public async Task<IReadOnlyList<string>> LeftoversAsync()
    {
        var left = new List<string>();
        if (System.IO.Directory.Exists(Cgroup)) left.AddRange(System.IO.Directory.GetDirectories(Cgroup).Where(c => Path.GetFileName(c) != CriuSessions).Select(c => $"cgroup {c}"));
        foreach (var line in (await Node.IpAsync("-br link")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = line.Split(' ', '@')[0];
            if (name is not ("lo" or "vni0" or "client")) left.Add($"link {name}");
        }

        foreach (var line in File.ReadLines("/proc/self/mountinfo").Where(m => m.Contains(Directory, StringComparison.Ordinal)))
        {
            if (line.Split(' ')[4] != State) left.Add($"mount {line}");
        }

        foreach (var place in new[] { "instances", "snapshots" }.Select(p => Path.Combine(State, p)).Where(System.IO.Directory.Exists))
        {
            left.AddRange(System.IO.Directory.GetFileSystemEntries(place));
        }

        left.AddRange(Processes().Select(p => $"process {p.Pid} ({p.Name})"));
        return left;
    }

    /// <summary>Fails unless everything is gone that was an application's, as soon as the kernel has had the time.</summary>
    public Task AssertNothingLeftAsync() =>
        Eventually.GetAsync("removal of everything", async () => new Listing(await LeftoversAsync()), left => left.Items.Count == 0, TimeSpan.FromSeconds(10));

    /// <summary>Processes of the node's instances and helpers: those in its cgroup, and those that use its files.</summary>
    private IEnumerable<(int Pid, string Name)> Processes()
    {
        foreach (var directory in System.IO.Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out var pid) || pid == _daemon?.Id) continue;
            string name, cgroup, command;
            try
            {
                name = File.ReadAllText(directory + "/comm").Trim();
                cgroup = File.ReadAllText(directory + "/cgroup");
                command = File.ReadAllText(directory + "/cmdline");
            }
            catch (IOException)
            {
                continue; // It has ended.
            }

            if (cgroup.Contains("vni-" + _id, StringComparison.Ordinal) || (name is "criu" or "appshot" && command.Contains(_id, StringComparison.Ordinal))) yield return (pid, name);
        }
    }

    private bool Answers()
    {
        if (!File.Exists(Socket)) return false;
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        try
        {
            socket.Connect(new System.Net.Sockets.UnixDomainSocketEndPoint(Socket));
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false; // The former daemon's socket.
        }
    }

    private string Tail() => string.Join('\n', Log.Split('\n').TakeLast(20));

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            if (!_daemon.HasExited) _daemon.Kill();
            await _daemon.WaitForExitAsync();
            _daemon.Dispose();
            _daemon = null;
        }

        if (System.IO.Directory.Exists(Cgroup)) await ClearCgroupAsync();
        if (_client is not null) await _client.DisposeAsync();
        if (_node is not null) await _node.DisposeAsync();
        if (_options.StateSize is not null) await Shell.TryAsync("umount", ["-l", State]);
        foreach (var directory in new[] { Runtime, Directory }) await Shell.TryAsync("rm", ["-rf", directory]);
    }

    private async Task ClearCgroupAsync()
    {
        await File.WriteAllTextAsync(Path.Combine(Cgroup, "cgroup.kill"), "1");
        await File.WriteAllTextAsync(Path.Combine(Cgroup, "cgroup.freeze"), "0");
        await Eventually.TrueAsync("the end of all processes", () => Processes().All(p => p.Name == "criu"), TimeSpan.FromSeconds(10));
        await Shell.TryAsync("find", [Cgroup, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
    }

    /// <summary>A list that shows its items when a wait for it fails.</summary>
    private sealed record Listing(IReadOnlyList<string> Items)
    {
        public override string ToString() => string.Join("; ", Items);
    }
}
