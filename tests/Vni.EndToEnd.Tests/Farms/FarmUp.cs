using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>
/// A farm that <c>vni farm up</c> has made, under a name of its own; members are called by their short names (<c>n1</c>, <c>client</c>).
/// It is taken down when disposed, whatever state it is in.
/// </summary>
internal sealed class FarmUp : IAsyncDisposable
{
    /// <summary>The one cgroup that a node keeps for itself: its name is no application's, for it holds a dot.</summary>
    private const string CriuSessions = "criu.sessions";

    /// <summary>What a farm without applications keeps in its registry.</summary>
    private static readonly string[] s_lasting = ["members/", "leader/"];

    private readonly Dictionary<string, JsonElement> _members = [];

    private FarmUp(string name) => Name = name;

    public string Name { get; }

    /// <summary>Directory of the test programs, on all nodes and in instances alike.</summary>
    public string Apps => Path.Combine(Directory, "apps");

    /// <summary>The tests' own files. Not in <c>/tmp</c>: an instance sees the root file system alone.</summary>
    public string Directory => $"/var/tmp/vni-{Name}";

    /// <summary>Short names of the nodes: n1, n2, ...</summary>
    public IReadOnlyList<string> Nodes { get; private set; } = [];

    /// <summary>The client's namespace: on the switch, outside of all nodes.</summary>
    public NetworkNamespace Client => At("client");

    /// <summary>The farm's authority and the certificates that it has issued.</summary>
    public string Certificates { get; private set; } = "";

    public static async Task<FarmUp> MakeAsync(params string[] options)
    {
        var farm = new FarmUp("t" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3)));
        try
        {
            var made = await farm.FarmJsonAsync("up", options);
            farm.Certificates = made.Text("certificates");
            foreach (var member in made.GetProperty("members").EnumerateArray()) farm._members.Add(member.Text("name"), member);
            farm.Nodes = [.. farm._members.Values.Where(m => m.Text("role") == "node").Select(m => m.Text("name"))];
            System.IO.Directory.CreateDirectory(farm.Directory);
            await Shell.RunAsync("cp", "-a", await Farming.Apps.BuiltAsync(), farm.Apps);
            return farm;
        }
        catch
        {
            await farm.DisposeAsync();
            throw;
        }
    }

    /// <summary>The name that a node has in the farm: what <c>vni migrate</c> takes and <c>vni inspect</c> shows.</summary>
    public string IdentityOf(string node) => _members[node].Text("node");

    /// <summary>A member's namespace.</summary>
    public NetworkNamespace At(string member) => NetworkNamespace.Existing(_members[member].Text("namespace"));

    /// <summary>A member's address on the switch.</summary>
    public string AddressOf(string member) => _members[member].Text("address");

    /// <summary>A node's state directory.</summary>
    public string StateOf(string node) => $"/var/lib/vniakka-farm/{Name}/{node}";

    /// <summary>A node's runtime directory.</summary>
    public string RuntimeOf(string node) => $"/dev/shm/vniakka-farm-{Name}/{node}";

    /// <summary>The cgroup of a node's instances.</summary>
    public string CgroupOf(string node) => Path.Combine(CgroupRoot, "vni-" + IdentityOf(node));

    /// <summary>A node's configuration file.</summary>
    public string ConfigurationOf(string node) => Path.Combine(Path.GetDirectoryName(_members[node].Text("log"))!, "vnid.yaml");

    /// <summary>What a member's daemon has logged.</summary>
    public string LogOf(string member) => File.ReadAllText(_members[member].Text("log"));

    /// <summary>Runs <c>vni farm</c>; any exit status.</summary>
    public Task<Outcome> TryFarmAsync(string command, params string[] arguments) =>
        Shell.TryAsync(Repository.Binary("vni"), ["farm", command, "--name", Name, .. arguments]);

    /// <summary>Runs <c>vni farm</c>, which must succeed; what it printed.</summary>
    public async Task<string> FarmAsync(string command, params string[] arguments)
    {
        var outcome = await TryFarmAsync(command, arguments);
        Assert.True(outcome.Status == 0, $"vni farm {command} {string.Join(' ', arguments)}: {outcome}");
        return outcome.Output;
    }

    /// <summary>Runs <c>vni farm</c> with <c>-o json</c>, which must succeed; the farm as it is then.</summary>
    public async Task<JsonElement> FarmJsonAsync(string command, params string[] arguments) =>
        Parse(await FarmAsync(command, ["-o", "json", .. arguments]));

    /// <summary>Runs vni at a node; any exit status.</summary>
    public Task<Outcome> TryVniAsync(string node, params string[] arguments) =>
        Shell.TryAsync(Repository.Binary("vni"), arguments, null, ("VNI_SOCKET", _members[node].Text("socket")));

    /// <summary>Runs vni at a node, which must succeed; what it printed.</summary>
    public async Task<string> VniAsync(string node, params string[] arguments)
    {
        var outcome = await TryVniAsync(node, arguments);
        Assert.True(outcome.Status == 0, $"vni {string.Join(' ', arguments)} at {node}: {outcome}\n{Tails()}");
        return outcome.Output;
    }

    /// <summary>Runs vni with <c>-o json</c> at a node, which must succeed; what it answered.</summary>
    public async Task<JsonElement> VniJsonAsync(string node, string command, params string[] arguments) =>
        Parse(await VniAsync(node, [command, "-o", "json", .. arguments]));

    /// <summary>Runs vni at a node, which must refuse with that code; what it said.</summary>
    public async Task<string> RefusedAsync(string node, string code, params string[] arguments)
    {
        var outcome = await TryVniAsync(node, arguments);
        Assert.True(outcome.Status == 1 && outcome.Error.Contains(code, StringComparison.Ordinal), $"vni {string.Join(' ', arguments)} at {node} should be refused with {code}: {outcome}");
        return outcome.Error.Trim();
    }

    /// <summary>Starts an application of one process on a node; its view.</summary>
    public Task<JsonElement> RunAsync(string node, string aid, params string[] command) => VniJsonAsync(node, "run", ["--name", aid, "--", .. command]);

    /// <summary>Moves an application to a node, which must succeed; what vni answered. The command is given at any node: the first, unless said.</summary>
    public Task<JsonElement> MigrateAsync(string aid, string to, string at = "n1") => VniJsonAsync(at, "migrate", aid, IdentityOf(to));

    /// <summary>Moves an application to a node, if it is on another.</summary>
    public async Task MigrateUnlessThereAsync(string aid, string node)
    {
        if ((await InspectAsync(aid)).Text("node") != IdentityOf(node)) await MigrateAsync(aid, node);
    }

    /// <summary>An application as <c>vni inspect</c> shows it.</summary>
    public Task<JsonElement> InspectAsync(string aid, string at = "n1") => VniJsonAsync(at, "inspect", aid);

    /// <summary>What the registry has of an application's snapshots.</summary>
    public async Task<IReadOnlyList<JsonElement>> SnapshotRecordsAsync(string aid, string at = "n1")
    {
        var pairs = await VniJsonAsync(at, "registry", "get", $"snapshots/{aid}.");
        return [.. pairs.EnumerateArray().Select(pair => Parse(pair.GetProperty("value").ToString()))];

        static JsonElement Parse(string record)
        {
            using var document = JsonDocument.Parse(record);
            return document.RootElement.Clone();
        }
    }

    /// <summary>Fails unless an application has this status on this node, asked at every node.</summary>
    public async Task AssertAsync(string aid, string status, string node)
    {
        foreach (var at in Nodes)
        {
            var view = await InspectAsync(aid, at);
            Assert.Equal((status, IdentityOf(node)), (view.Text("status"), view.Text("node")));
        }
    }

    /// <summary>Removes all applications.</summary>
    public async Task RemoveAllAsync()
    {
        foreach (var application in (await VniJsonAsync(Nodes[0], "ps")).EnumerateArray().ToList())
        {
            await VniAsync(Nodes[0], "rm", "--force", application.Text("aid"));
        }
    }

    /// <summary>What kernel, disk and registry still hold of applications: must be nothing when there are none.</summary>
    /// <param name="nodes">Where to look; default: at all nodes and in the registry.</param>
    public async Task<IReadOnlyList<string>> LeftoversAsync(params string[] nodes)
    {
        var left = new List<string>();
        foreach (var node in nodes.Length > 0 ? nodes : Nodes) left.AddRange(await LeftoversAtAsync(node));
        if (nodes.Length > 0) return left;
        foreach (var pair in (await VniJsonAsync(Nodes[0], "registry", "get")).EnumerateArray())
        {
            var key = pair.Text("key")[$"/vni/{Name}/".Length..];
            if (!s_lasting.Any(p => key.StartsWith(p, StringComparison.Ordinal))) left.Add($"registry key {key}");
        }

        return left;
    }

    /// <summary>Fails unless everything is gone that was an application's, as soon as nodes and kernel have had the time.</summary>
    public Task AssertNothingLeftAsync(params string[] nodes) =>
        Eventually.GetAsync("removal of everything", async () => new Listing(await LeftoversAsync(nodes)), left => left.Items.Count == 0, TimeSpan.FromSeconds(10));

    /// <summary>The same for some nodes, while applications live on others: the registry is not looked at.</summary>
    public Task AssertNothingLeftOfAsync(params string[] nodes) => AssertNothingLeftAsync(nodes);

    /// <summary>
    /// Starts a node's daemon anew, in a mount namespace of its own where one file has the content of another. Disposing the result starts it
    /// again as it was.
    /// </summary>
    public async Task<IAsyncDisposable> RestartSeeingAsync(string node, string sees, string where)
    {
        await FarmAsync("kill", node, "--daemon-only");
        var cgroup = Path.Combine(CgroupRoot, _members[node].Text("namespace"), "cgroup.procs");
        const string Script = "echo $$ >\"$1\"; exec </dev/null >>\"$2\" 2>&1; mount --bind \"$3\" \"$4\"; exec nsenter --net=\"$5\" \"$6\" --config \"$7\"";
        var daemon = Process.Start("unshare", ["--mount", "sh", "-c", Script, "vnid", cgroup, _members[node].Text("log"), sees, where, At(node).Path, Repository.Binary("vnid"), ConfigurationOf(node)]);
        var altered = new Altered(this, node, daemon);
        try
        {
            await Eventually.GetAsync($"the start of {node}", () => TryVniAsync(node, "version"), o => daemon.HasExited || o.Status == 0);
            Assert.False(daemon.HasExited, LogOf(node));
            return altered;
        }
        catch
        {
            await altered.DisposeAsync();
            throw;
        }
    }

    /// <summary>Processes of a node's instances, and helpers that work for it.</summary>
    public IReadOnlyList<(int Pid, string Name)> ProcessesOf(string node)
    {
        var (found, own) = (new List<(int, string)>(), new[] { "vni-" + IdentityOf(node), StateOf(node) + "/" });
        foreach (var directory in System.IO.Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out var pid)) continue;
            try
            {
                var (name, cgroup, command) = (File.ReadAllText(directory + "/comm").Trim(), File.ReadAllText(directory + "/cgroup"), File.ReadAllText(directory + "/cmdline"));
                if (cgroup.TrimEnd().Split('/').Contains(own[0]) || (name is "criu" && command.Contains(own[1], StringComparison.Ordinal))) found.Add((pid, name));
            }
            catch (IOException)
            {
                // It has ended.
            }
        }

        return found;
    }

    public async ValueTask DisposeAsync()
    {
        var down = await TryFarmAsync("down");
        await Shell.TryAsync("rm", ["-rf", Directory]);
        if (down.Status != 0) throw new InvalidOperationException($"farm '{Name}' was not taken down: {down}");
    }

    private static string CgroupRoot { get; } = File.ReadLines("/proc/self/mounts").Select(line => line.Split(' ')).First(f => f[2] == "cgroup2")[1];

    private async Task<IReadOnlyList<string>> LeftoversAtAsync(string node)
    {
        var left = new List<string>();
        if (System.IO.Directory.Exists(CgroupOf(node))) left.AddRange(System.IO.Directory.GetDirectories(CgroupOf(node)).Where(c => Path.GetFileName(c) != CriuSessions).Select(c => $"cgroup {c}"));
        if (File.Exists(At(node).Path))
        {
            var links = (await At(node).IpAsync("-br link")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ', '@')[0]);
            left.AddRange(links.Where(l => l is not ("lo" or "vni0" or "eth0")).Select(l => $"link {l} on {node}"));
        }

        left.AddRange(File.ReadLines("/proc/self/mountinfo").Where(m => m.Contains(StateOf(node) + "/", StringComparison.Ordinal)).Select(m => $"mount {m}"));
        left.AddRange(new[] { "instances", "snapshots", "incoming" }.Select(p => Path.Combine(StateOf(node), p)).Where(System.IO.Directory.Exists).SelectMany(System.IO.Directory.GetFileSystemEntries));
        if (System.IO.Directory.Exists(RuntimeOf(node))) left.AddRange(System.IO.Directory.GetFileSystemEntries(RuntimeOf(node)).Where(f => Path.GetFileName(f) is not ("criu.kdat" or "tar")));
        left.AddRange(ProcessesOf(node).Select(p => $"process {p.Pid} ({p.Name}) on {node}"));
        return left;
    }

    private static JsonElement Parse(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    private string Tails() => string.Concat(Nodes.Select(n => $"-- {n}\n{string.Join('\n', LogOf(n).Split('\n').TakeLast(15))}"));

    /// <summary>A node's daemon in a mount namespace of its own.</summary>
    private sealed class Altered(FarmUp farm, string node, Process daemon) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            daemon.Kill();
            await daemon.WaitForExitAsync();
            daemon.Dispose();
            await farm.FarmAsync("restart", node);
        }
    }

    /// <summary>A list that shows its items when a wait for it fails.</summary>
    private sealed record Listing(IReadOnlyList<string> Items)
    {
        public override string ToString() => string.Join("; ", Items);
    }
}
