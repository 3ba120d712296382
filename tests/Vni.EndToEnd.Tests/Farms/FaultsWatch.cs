using System.Globalization;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>
/// Looks, for as long as a case lasts, on which nodes the counting server runs: where the kernel has switched to one of its
/// processes since the last look (it wakes every millisecond by itself). A copy that is frozen, or that a restore has not
/// let go yet, does not.
/// </summary>
internal sealed class FaultsWatch : IAsyncDisposable
{
    /// <summary>Looks in a row that two nodes must both run it in: while it moves, a single one may see the end of one and the beginning of the other.</summary>
    private const int Enough = 3;

    /// <summary>Of the server's name, proc_pid_comm(5).</summary>
    public const string Program = "beat";

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(25);

    private readonly FarmUp _farm;
    private readonly string _aid;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _task;
    private volatile string? _doubled;

    public FaultsWatch(FarmUp farm, string aid)
    {
        (_farm, _aid) = (farm, aid);
        _task = Task.Run(WatchAsync);
    }

    /// <summary>Fails if it ran twice.</summary>
    public void Check() => Assert.True(_doubled is null, _doubled);

    /// <summary>Nodes on which the server runs now.</summary>
    public static async Task<IReadOnlyList<string>> RunningAsync(FarmUp farm, string aid)
    {
        var before = farm.Nodes.ToDictionary(node => node, node => Switches(farm, node, aid));
        await Task.Delay(Step, TimeProvider.System);
        return [.. farm.Nodes.Where(node => HasRun(before[node], Switches(farm, node, aid)))];
    }

    /// <summary>The beats of the server's life, over a new connection.</summary>
    public static async Task<long> BeatsAsync(FarmUp farm, string ip)
    {
        await using var client = await LineClient.ConnectAsync(farm.Client, ip);
        return long.Parse((await client.AskAsync("BEAT")).Split(' ')[1], CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _task;
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        var (last, inARow) = (new Dictionary<string, Dictionary<int, long>>(), 0);
        while (!_stop.IsCancellationRequested)
        {
            var now = _farm.Nodes.ToDictionary(node => node, node => Switches(_farm, node, _aid));
            var running = _farm.Nodes.Where(node => last.TryGetValue(node, out var before) && HasRun(before, now[node])).ToList();
            inARow = running.Count > 1 ? inARow + 1 : 0;
            if (inARow == Enough) _doubled = $"{_aid} runs on {string.Join(" and ", running)} at the same time";
            last = now;
            await Task.Delay(Step, TimeProvider.System);
        }
    }

    private static bool HasRun(Dictionary<int, long> before, Dictionary<int, long> after) =>
        after.Any(process => before.TryGetValue(process.Key, out var switches) && process.Value > switches);

    /// <summary>How often each of its processes was given a processor: proc_pid_status(5).</summary>
    private static Dictionary<int, long> Switches(FarmUp farm, string node, string aid)
    {
        var found = new Dictionary<int, long>();
        try
        {
            foreach (var pid in File.ReadLines(Path.Combine(farm.CgroupOf(node), aid, "cgroup.procs")).Select(line => int.Parse(line, CultureInfo.InvariantCulture)))
            {
                if (File.ReadAllText($"/proc/{pid}/comm").Trim() != Program) continue;
                var line = File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("voluntary_ctxt_switches:", StringComparison.Ordinal));
                found[pid] = long.Parse(line.Split(':')[1], CultureInfo.InvariantCulture);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            // No instance, or one whose processes are just ending.
        }

        return found;
    }
}
