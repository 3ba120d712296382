using System.IO.Pipes;
using System.Text;
using Vni.Actors;
using Vni.Actors.Interposition;
using Vni.Actors.Snapshots;
using Vni.Linux.Tests.Fencing;
using Xunit;

namespace Vni.Linux.Tests.Shipping;

/// <summary>Snapshots that go from one node to another.</summary>
#pragma warning disable CA1001 // IAsyncLifetime.DisposeAsync disposes the nodes.
public sealed class ShippingTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private readonly FarmNode _a = new(), _b = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Fact]
    public async Task An_application_goes_on_on_a_node_that_has_never_seen_it()
    {
        var (spec, record) = await SaveAsync();
        Assert.False(_b.Daemon.HasSnapshot(record.Id));
        await ShipAsync(record);
        Assert.True(_b.Daemon.HasSnapshot(record.Id));
        await _b.Daemon.ReceiveSnapshotAsync(record, Stream.Null, _b.Limit); // Has it: the stream is not read.

        var commits = 0;
        await _b.Daemon.RestoreAsync(spec, record, _ => { commits++; return Task.CompletedTask; }, _b.Limit);
        Assert.Equal(1, commits);
        Assert.Equal("before,after", Ask(_b, spec, "after"));
    }

    [Fact]
    public async Task A_shared_directory_carries_it_as_well()
    {
        var (spec, record) = await SaveAsync();
        var shared = Directory.CreateTempSubdirectory("vni-shared-").FullName;
        try
        {
            var missing = await Assert.ThrowsAsync<VniException>(() => _b.Daemon.ImportSnapshotAsync(record, shared, _b.Limit));
            Assert.Equal(ErrorCodes.SnapshotNotFound, missing.Code);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => _a.Daemon.ExportSnapshotAsync(record, shared, _a.Limit))));
            Assert.Equal([Path.Combine(shared, record.Id)], Directory.EnumerateFileSystemEntries(shared));

            // One that somebody has damaged is not believed, and is written anew by the node that has it.
            var layer = Path.Combine(shared, record.Id, "layer.tar");
            await File.WriteAllBytesAsync(layer, new byte[new FileInfo(layer).Length]);
            var e = await Assert.ThrowsAsync<VniException>(() => _b.Daemon.ImportSnapshotAsync(record, shared, _b.Limit));
            Assert.Equal(ErrorCodes.SnapshotDamaged, e.Code);
            Assert.False(_b.Daemon.HasSnapshot(record.Id));
            File.Delete(layer);
            await _a.Daemon.ExportSnapshotAsync(record, shared, _a.Limit);

            await _b.Daemon.ImportSnapshotAsync(record, shared, _b.Limit);
            _b.Daemon.DeleteExported(record.Id, shared);
            _b.Daemon.DeleteExported(record.Id, shared);
            Assert.Empty(Directory.EnumerateFileSystemEntries(shared));
            await _b.Daemon.RestoreAsync(spec, record, _ => Task.CompletedTask, _b.Limit);
            Assert.Equal("before,after", Ask(_b, spec, "after"));
        }
        finally
        {
            Directory.Delete(shared, recursive: true);
        }
    }

    private async Task<(InstanceSpec Spec, SnapshotRecord Record)> SaveAsync()
    {
        var spec = await _a.StartAsync();
        Assert.Equal("before", Ask(_a, spec, "before"));
        var captured = await _a.Daemon.CaptureAsync(spec, spec.Aid + ".000000000001", CaptureMode.LeaveFrozen, Quiescing.Default, _a.Limit);
        await _a.Daemon.ReleaseAsync(spec, _a.Limit);
        return (spec, captured.Record);
    }

    private async Task ShipAsync(SnapshotRecord record)
    {
        await using var to = new AnonymousPipeServerStream(PipeDirection.Out);
        await using var from = new AnonymousPipeClientStream(PipeDirection.In, to.ClientSafePipeHandle);
        var receiving = Task.Run(() => _b.Daemon.ReceiveSnapshotAsync(record, from, _b.Limit));
        await _a.Daemon.SendSnapshotAsync(record, to, _a.Limit);
        to.Dispose();
        await receiving;
    }

    private static string Ask(FarmNode node, InstanceSpec spec, string word)
    {
        using var caller = node.Call(spec);
        caller.Send(Encoding.ASCII.GetBytes(word));
        var buffer = new byte[4096];
        return Encoding.ASCII.GetString(buffer, 0, caller.Receive(buffer));
    }
}
