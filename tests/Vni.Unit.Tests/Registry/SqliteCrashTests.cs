using System.Diagnostics;
using System.Globalization;
using System.Text;
using Vni.Actors.Registry;
using Vni.Cluster.Registry.Sqlite;
using Xunit;

namespace Vni.Unit.Tests.Registry;

/// <summary>Nothing acknowledged is lost and nothing is half, whenever the writer ends.</summary>
public sealed class SqliteCrashTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TemporaryStore _store = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task A_killed_writer_loses_nothing_that_it_had_acknowledged()
    {
        var random = new Random(7);
        var acknowledged = 0L;
        for (var round = 0; round < 5; round++)
        {
            acknowledged = Math.Max(acknowledged, await KillAfterAsync(random.Next(1, 120)));
            await using var registry = _store.Open();
            Assert.True(await WholeAsync(registry) >= acknowledged);
        }

        Assert.True(acknowledged > 5);
    }

    // A power failure leaves the log cut off anywhere behind what was synced. Instead of waiting for one: write without a
    // checkpoint, note how long the log was at each acknowledgement, and open copies whose log is cut at random lengths.
    [Fact]
    public async Task A_log_that_is_cut_anywhere_gives_the_state_of_a_revision_and_all_that_was_acknowledged_by_then()
    {
        var acknowledged = new List<(long Length, long Number)> { (0, 0) };
        var registry = _store.Open();
        for (var number = 1L; number <= 60; number++)
        {
            await CrashWriter.WriteAsync(registry, number);
            acknowledged.Add((new FileInfo(_store.File + "-wal").Length, number));
        }

        var log = await ReadSharedAsync(_store.File + "-wal");
        var database = await ReadSharedAsync(_store.File);
        var random = new Random(11);
        for (var i = 0; i < 40; i++)
        {
            var length = random.Next(log.Length + 1);
            var copy = Path.Combine(Path.GetDirectoryName(_store.File)!, $"copy-{i}.db");
            await File.WriteAllBytesAsync(copy, database);
            await File.WriteAllBytesAsync(copy + "-wal", log[..length]);
            await using var reopened = _store.Open(file: copy);
            var number = await WholeAsync(reopened);
            Assert.True(number >= acknowledged.Last(a => a.Length <= length).Number, $"log cut at {length}: {number} is too old");
        }
    }

    /// <summary>The number of the last transaction; fails unless all its keys have the same one.</summary>
    private static async Task<long> WholeAsync(IRegistry registry)
    {
        var result = await registry.RangeAsync(KeyRange.Prefix("/whole/"), default);
        if (result.Pairs.Count == 0) return 0;
        Assert.Equal(CrashWriter.Keys, result.Pairs.Count);
        var values = result.Pairs.Select(pair => Encoding.UTF8.GetString(pair.Value.Span).TrimEnd('.')).Distinct().ToList();
        var number = long.Parse(Assert.Single(values), CultureInfo.InvariantCulture);
        Assert.All(result.Pairs, pair => Assert.Equal((number, result.Revision), (pair.Version, pair.ModRevision)));
        Assert.Equal(number + 1, result.Revision);
        return number;
    }

    /// <summary>Starts a writer in a process of its own and kills it; the last number that it acknowledged.</summary>
    private async Task<long> KillAfterAsync(int acknowledgements)
    {
        var assembly = Path.Combine(AppContext.BaseDirectory, "Vni.Unit.Tests.dll");
        using var writer = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["exec", assembly])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            Environment = { ["DOTNET_STARTUP_HOOKS"] = assembly, [CrashWriter.Variable] = _store.File },
        })!;
        var last = 0L;
        try
        {
            using var limit = new CancellationTokenSource(Limit);
            for (var i = 0; i < acknowledgements; i++)
                last = long.Parse((await writer.StandardOutput.ReadLineAsync(limit.Token))!, CultureInfo.InvariantCulture);
        }
        finally
        {
            writer.Kill(); // SIGKILL
        }

        // What it had said before it was killed counts too; a line that was cut off does not.
        var rest = await writer.StandardOutput.ReadToEndAsync();
        await writer.WaitForExitAsync();
        var lines = rest.Split('\n')[..^1];
        return lines.Length > 0 ? long.Parse(lines[^1], CultureInfo.InvariantCulture) : last;
    }

    private static async Task<byte[]> ReadSharedAsync(string path)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes);
        return bytes;
    }
}

/// <summary>Writes numbered transactions and prints each number once it is acknowledged, until it is killed.</summary>
internal static class CrashWriter
{
    public const string Variable = "VNI_TEST_CRASH_WRITER";
    public const int Keys = 3;

    public static async Task RunAsync(string file)
    {
        await using var registry = SqliteRegistry.Open(new() { Path = file, KeptRevisions = 50 });
        var start = (await registry.RangeAsync(KeyRange.Prefix("/whole/"), default)).Pairs is [var pair, ..] ? pair.Version : 0;
        using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        for (var number = start + 1; ; number++)
        {
            await WriteAsync(registry, number);
            await output.WriteAsync($"{number}\n");
        }
    }

    /// <summary>One transaction that puts <see cref="Keys"/> keys, large enough to span several pages.</summary>
    public static Task WriteAsync(IRegistry registry, long number)
    {
        var value = Encoding.UTF8.GetBytes($"{number}".PadRight(3000, '.'));
        return registry.TransactAsync(new([], [.. Enumerable.Range(0, Keys).Select(i => new Operation.Put($"/whole/{i}", value))], []), default);
    }
}
