using System.Security.Cryptography;
using Vni.Actors;
using Vni.Actors.Interposition;
using Vni.Actors.Resources;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Operations;
using Vni.Linux.Tests.Transfers;
using Xunit;

namespace Vni.Linux.Tests.Resources;

/// <summary>A restore under the eyes of the comparison.</summary>
public sealed class ComparisonTests
{
    [Fact]
    public async Task An_instance_that_is_rebuilt_with_other_ids_than_recorded_does_not_resume_and_leaves_all_as_it_was()
    {
        await using var farm = new MovingFarm();
        var (spec, daemon) = (MovingFarm.Redis(), farm.A.Daemon);
        await daemon.StartAsync(spec, farm.Limit);
        using (var client = new LineClient(await farm.ConnectAsync(spec, 6379))) Assert.Equal(":1", client.Ask("INCR n"));
        var captured = await daemon.CaptureAsync(spec, $"{spec.Aid}.000000000001", CaptureMode.LeaveFrozen, Quiescing.Default, farm.Limit);
        await daemon.ReleaseAsync(spec, farm.Limit);
        var listener = captured.Manifest.Resources.Ids!["tcp"].Keys.First(id => id.EndsWith(":6379", StringComparison.Ordinal));

        // Recorded by its node, digest and all: the saved application had one more listener, and one more semaphore.
        var directory = new SnapshotPaths(farm.A.Options, captured.Record.Id).Directory;
        var whole = await File.ReadAllBytesAsync(Path.Combine(directory, "manifest.json"));
        var ids = captured.Manifest.Resources.Ids;
        ids["tcp"].Add("10.219.0.5:1", 2);
        var other = captured.Manifest with { Resources = captured.Manifest.Resources with { Ids = ids, Semaphores = [new SemaphoreResource(5193, 0, [7])] } };
        var digest = ManifestFile.Write(directory, other);
        var refusal = await Assert.ThrowsAsync<VniException>(() => daemon.RestoreAsync(spec, captured.Record with { ManifestSha256 = digest }, _ => throw new InvalidOperationException("it was committed"), farm.Limit));
        Assert.Equal(ErrorCodes.VerificationFailed, refusal.Code);
        Assert.Contains("tcp 10.219.0.5:1 is missing", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("semaphore set 5193 is missing", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(daemon.ListProcesses(spec.Aid));
        Assert.Null(daemon.FindResources(spec.Aid));

        await File.WriteAllBytesAsync(Path.Combine(directory, "manifest.json"), whole);
        Assert.Equal(captured.Record.ManifestSha256, Convert.ToHexStringLower(SHA256.HashData(whole)));
        await daemon.RestoreAsync(spec, captured.Record, _ => Task.CompletedTask, farm.Limit);
        using (var client = new LineClient(await farm.ConnectAsync(spec, 6379))) Assert.Equal(":2", client.Ask("INCR n"));
        var found = daemon.FindResources(spec.Aid)!.Found.Single(resource => resource.Virtual == listener);
        Assert.Equal(spec.Aid, daemon.FindHolder(ResourceType.Tcp, found.System));
        await daemon.RemoveAsync(spec.Aid, farm.Limit);
    }
}
