using System.Diagnostics;
using System.Text;
using Vni.Actors.Registry;
using Vni.Cluster.Registry.Sqlite;
using Xunit;

namespace Vni.Linux.Tests.Registry;

/// <summary>The embedded registry on a file system of one megabyte.</summary>
public sealed class FullDiskTests : IAsyncLifetime
{
    private static readonly byte[] Value = Encoding.UTF8.GetBytes(new string('v', 2000));

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vni-full-disk-");

    private string File => Path.Combine(_directory.FullName, "registry.db");

    public Task InitializeAsync() => MountAsync("mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "vni-full-disk", _directory.FullName);

    public async Task DisposeAsync()
    {
        await MountAsync("umount", "--lazy", _directory.FullName);
        _directory.Delete();
    }

    [Fact]
    public async Task A_full_disk_refuses_writes_keeps_what_was_acknowledged_and_recovers_when_space_is_freed()
    {
        var acknowledged = new List<long>();
        await using (var registry = SqliteRegistry.Open(new() { Path = File }))
        {
            var error = await Assert.ThrowsAsync<RegistryUnavailableException>(async () =>
            {
                for (var i = 0; i < 2000; i++) acknowledged.Add((await PutAsync(registry, i)).Revision);
            });
            Assert.Equal($"Registry {File} cannot write because its file system is full; free space there and repeat the request.", error.Message);

            // Refused again, a second time, and still read: nothing of the refused transactions is there.
            await Assert.ThrowsAsync<RegistryUnavailableException>(() => PutAsync(registry, 5000));
            Assert.Equal((acknowledged[^1], 2 * acknowledged.Count), await StateAsync(registry));

            await MountAsync("mount", "-o", "remount,size=8m", _directory.FullName);
            acknowledged.Add((await PutAsync(registry, 6000)).Revision);
            Assert.Equal(Enumerable.Range(2, acknowledged.Count).Select(revision => (long)revision), acknowledged);
        }

        await using var reopened = SqliteRegistry.Open(new() { Path = File });
        Assert.Equal((acknowledged[^1], 2 * acknowledged.Count), await StateAsync(reopened));
        var seen = new List<long>();
        await foreach (var batch in reopened.WatchAsync(KeyRange.Prefix("/"), 1, default))
        {
            Assert.Equal(2, batch.Changes.Count);
            seen.Add(batch.Revision);
            if (batch.Revision == acknowledged[^1]) break;
        }

        Assert.Equal(acknowledged, seen);
    }

    private static Task<TransactionResult> PutAsync(IRegistry registry, int number) =>
        registry.TransactAsync(new([], [new Operation.Put($"/a/{number}", Value), new Operation.Put($"/b/{number}", Value)], []), default);

    private static async Task<(long Revision, long Count)> StateAsync(IRegistry registry)
    {
        var result = await registry.RangeAsync(KeyRange.Prefix("/"), default);
        return (result.Revision, result.Count);
    }

    private static async Task MountAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
