using System.Globalization;
using System.Text.Json;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>
/// One misfortune: an application on n1 with a client that asks all the time over one connection, a migration to n2 that is
/// asked of n3, whatever the test does meanwhile, and what must hold afterwards.
/// </summary>
internal sealed class FaultsCase : IAsyncDisposable
{
    public const string Aid = "app";

    private readonly FarmUp _farm;
    private LineClient _client;
    private readonly FaultsWatch _watch;
    private readonly SteadyLoad _load;
    private Task<Outcome>? _migration;
    private long _number;
    private long _beats;

    private FaultsCase(FarmUp farm, string ip, LineClient client)
    {
        (_farm, Ip, _client) = (farm, ip, client);
        _watch = new FaultsWatch(farm, Aid);
        _load = new SteadyLoad(AskAsync);
    }

    public string Ip { get; }

    /// <summary>How often the client's connection was reset, and it connected anew: where what had run was lost.</summary>
    public int Resets { get; private set; }

    /// <summary>How often that may happen.</summary>
    public int AllowedResets { get; set; }

    /// <summary>Starts application and client, and daemons with what is to happen to them.</summary>
    /// <param name="farm">The farm.</param>
    /// <param name="faults">Member and point, as <c>VNI_FAULT</c> has it.</param>
    public static async Task<FaultsCase> BeginAsync(FarmUp farm, params (string Member, string Fault)[] faults)
    {
        var ip = (await farm.RunAsync("n1", Aid, Path.Combine(farm.Apps, FaultsWatch.Program))).Text("ip");
        var made = new FaultsCase(farm, ip, await LineClient.ConnectAsync(farm.Client, ip));
        try
        {
            foreach (var (member, fault) in faults) await made.ArmAsync(member, fault);
            await made._load.AdvanceAsync();
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>Restarts a member's daemon with <c>VNI_FAULT</c>; <c>null</c>: without.</summary>
    public async Task ArmAsync(string member, string? fault)
    {
        await _farm.FarmAsync("kill", member, "--daemon-only");
        await StartAsync(member, fault);
    }

    private async Task StartAsync(string member, string? fault)
    {
        var outcome = await Shell.TryAsync(Repository.Binary("vni"), ["farm", "restart", "--name", _farm.Name, member], null, ("VNI_FAULT", fault ?? ""));
        Assert.True(outcome.Status == 0, $"restart of {member}: {outcome}");
    }

    /// <summary>Begins the migration; how it ends is seen by what becomes of the application.</summary>
    public void Migrate() => _migration = _farm.TryVniAsync("n3", "migrate", Aid, _farm.IdentityOf("n2"), "--timeout", "5s");

    /// <summary>Returns when a member's daemon has died of what it was told to, and starts it again.</summary>
    public async Task ReviveAsync(params string[] members)
    {
        foreach (var member in members) await AwaitStateAsync(member, null);
        foreach (var member in members) await StartAsync(member, null);
    }

    /// <summary>Returns when a member's daemon stands still where it was told to; its pid.</summary>
    public Task<int> AwaitStopAsync(string member) => AwaitStateAsync(member, 'T');

    /// <summary>Returns when the farm has given a node up: its lease is over.</summary>
    public Task AwaitGoneAsync(string node) => AwaitMembersAsync(members => !IsMember(members, node), $"the end of the lease of {node}");

    private Task AwaitMembersAsync(Predicate<string> good, string what) =>
        Eventually.GetAsync(what, async () => (await _farm.VniJsonAsync("n3", "registry", "get", "members/")).ToString(), good);

    private bool IsMember(string members, string node) => members.Contains($"members/{_farm.IdentityOf(node)}\"", StringComparison.Ordinal);

    /// <summary>Returns when the migration has ended for whoever asked for it.</summary>
    public Task AwaitAnswerAsync() => _migration!;

    /// <summary>Returns when the client has been answered some more times.</summary>
    public Task AwaitAnswersAsync() => _load.AdvanceAsync();

    /// <summary>Returns when it runs on a node, as n3 sees it.</summary>
    public Task AwaitAtAsync(string node) => Eventually.GetAsync($"running on {node}", () => SeenAtAsync("n3"), seen => seen == $"running {_farm.IdentityOf(node)}");

    /// <summary>Lets a daemon that stands still go on.</summary>
    public static Task ContinueAsync(int pid) => Shell.RunAsync($"kill -CONT {pid}");

    /// <summary>
    /// Fails unless, before long, the application runs on exactly one node, everybody agrees which, the client goes on over
    /// its old connection, and of the loser nothing is left.
    /// </summary>
    /// <returns>The node that it runs on.</returns>
    public async Task<string> EndsWellAsync(params string[] outcomes)
    {
        var migrated = _migration is null ? "" : (await _migration).ToString();
        try
        {
            var where = await AgreeAsync(outcomes.Length == 0 ? ["n1", "n2"] : outcomes);
            await _load.AdvanceAsync();
            await _load.StopAsync();
            Assert.Equal([where], await FaultsWatch.RunningAsync(_farm, Aid));
            _watch.Check();
            await _farm.AssertNothingLeftAsync([.. _farm.Nodes.Where(node => node != where)]);

            // Whoever runs it can do with it what he likes, when the one that was away is back.
            await AwaitMembersAsync(members => _farm.Nodes.All(node => IsMember(members, node)), "all nodes to be members again");
            await _farm.MigrateAsync(Aid, where == "n1" ? "n3" : "n1", at: "n2");
            await AskAsync();
            return where;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.Message}\nmigration: {migrated}\n{await TellAsync()}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        try
        {
            await _load.StopAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or Xunit.Sdk.XunitException)
        {
            // The case has failed for it, or its server is gone, or it was in the middle of asking.
        }

        await _watch.DisposeAsync();
        if (_migration is not null) await _migration;
    }

    /// <summary>Numbers follow one another on the connection, and the server's life never goes back.</summary>
    private async Task AskAsync()
    {
        try
        {
            await CountAsync();
        }
        catch (IOException) when (Resets < AllowedResets)
        {
            (Resets, _number, _beats) = (Resets + 1, 0, 0);
            await _client.DisposeAsync();
            _client = await LineClient.ConnectAsync(_farm.Client, Ip);
        }
    }

    private async Task CountAsync()
    {
        long[] answer = [.. (await _client.AskAsync("INCR")).Split(' ').Select(number => long.Parse(number, CultureInfo.InvariantCulture))];
        Assert.Equal(_number + 1, answer[0]);
        Assert.True(answer[1] >= _beats, $"the server has gone back from {_beats} to {answer[1]}");
        (_number, _beats) = (answer[0], answer[1]);
    }

    private async Task<string> AgreeAsync(IReadOnlyCollection<string> outcomes)
    {
        var accepted = outcomes.ToDictionary(node => $"running {_farm.IdentityOf(node)}");
        var seen = await Eventually.GetAsync(
            "agreement of all nodes",
            async () => new Views([.. await Task.WhenAll(_farm.Nodes.Select(SeenAtAsync))]),
            views => views.Of.Distinct().Count() == 1 && accepted.ContainsKey(views.Of[0]));
        return accepted[seen.Of[0]];
    }

    private async Task<string> SeenAtAsync(string node)
    {
        var outcome = await _farm.TryVniAsync(node, "ps", "-o", "json");
        if (outcome.Status != 0) return outcome.Error;
        using var document = JsonDocument.Parse(outcome.Output);
        var view = document.RootElement.EnumerateArray().Single(a => a.Text("aid") == Aid);
        return $"{view.Text("status")} {view.Text("node")}";
    }

    /// <param name="member">Whose daemon.</param>
    /// <param name="state">What proc_pid_stat(5) says of it; <c>null</c>: it has ended.</param>
    private async Task<int> AwaitStateAsync(string member, char? state)
    {
        var pid = (await _farm.FarmJsonAsync("status")).GetProperty("members").EnumerateArray().Single(m => m.Text("name") == member).GetProperty("pid");
        if (pid.ValueKind == JsonValueKind.Null) return state is null ? 0 : throw new InvalidOperationException($"the daemon of {member} has ended");
        await Eventually.TrueAsync($"state {state} of the daemon of {member}", () => StateOf(pid.GetInt32()) == state);
        return pid.GetInt32();
    }

    private static char? StateOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] is var state && state is 'Z' or 'X' ? null : state;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private async Task<string> TellAsync()
    {
        var registry = await _farm.TryVniAsync("n3", "registry", "get", "applications/");
        var logs = _farm.Nodes.Select(node => $"-- {node}\n{string.Join('\n', _farm.LogOf(node).Split('\n').Where(line => !line.Contains("Api", StringComparison.Ordinal)).TakeLast(40))}");
        var kernel = await Task.WhenAll(_farm.Nodes.Select(async node => $"-- {node}: {Frozen(node)}\n{await _farm.At(node).TryAsync("sh", "-c", "bridge link; bridge fdb show | grep -v permanent; ip neigh")}"));
        return $"{registry}\n{string.Join('\n', logs)}\n{string.Join('\n', kernel)}";
    }

    private string Frozen(string node)
    {
        var cgroup = Path.Combine(_farm.CgroupOf(node), Aid);
        return string.Join(' ', new[] { "cgroup.freeze", "cgroup.events", "cgroup.procs" }.Select(file => Path.Combine(cgroup, file)).Where(File.Exists).Select(File.ReadAllText)).ReplaceLineEndings(" ");
    }

    /// <summary>What each node says.</summary>
    private sealed record Views(IReadOnlyList<string> Of)
    {
        public override string ToString() => string.Join("; ", Of);
    }
}
