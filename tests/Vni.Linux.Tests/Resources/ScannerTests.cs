using Vni.Actors.Resources;
using Vni.Interposer.Linux;
using Vni.Interposer.Resources;
using Vni.Linux.Tests.Checkpoint;
using Xunit;
using Xunit.Abstractions;

namespace Vni.Linux.Tests.Resources;

/// <summary>A program that holds one resource of every type, looked at from the node.</summary>
public sealed class ScannerTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Every_type_is_found_with_what_the_node_calls_it()
    {
        await using var instance = await StartAsync("queue");
        var found = ResourceScanner.Find(OnNode(instance), null).ToDictionary(r => (r.Type, r.Virtual));
        foreach (var resource in found.Values) output.WriteLine($"{ResourceNames.Of(resource.Type),-20} {resource.Virtual,-45} {resource.System,-40} {resource.Owner,4} {resource.Detail}");

        string SystemOf(ResourceType type, string id) => found[(type, id)].System;
        var ipc = Programs.Run("readlink", $"/proc/{instance.InitPid}/ns/ipc").Trim();
        Assert.Equal($"{ipc}/5193", SystemOf(ResourceType.Semaphore, "5193"));
        Assert.Equal($"{ipc}/0", SystemOf(ResourceType.SharedMemory, "0"));
        Assert.Equal($"{ipc}/0", SystemOf(ResourceType.MessageQueue, "0"));
        Assert.Equal($"{ipc}/queue", SystemOf(ResourceType.PosixMessageQueue, "/queue"));
        Assert.Equal($"/proc/{instance.InitPid}/root/dev/shm/object", SystemOf(ResourceType.PosixSharedMemory, "/object"));
        Assert.True(File.Exists(SystemOf(ResourceType.PosixSharedMemory, "/sem.named")));
        Assert.True(File.Exists(SystemOf(ResourceType.Pty, "/dev/pts/0")));
        Assert.Equal(Programs.Run("readlink", $"/proc/{instance.InitPid}/ns/net").Trim() + "/lo", SystemOf(ResourceType.Interface, "lo"));
        Assert.Equal("cgroup", SystemOf(ResourceType.Cgroup, "/"));

        // Processes: the harness, the program, its child in a session of its own, and that one's child in a group of its own.
        Assert.Equal(4, found.Values.Count(r => r.Type == ResourceType.Process));
        Assert.Equal(5, found.Values.Count(r => r.Type == ResourceType.Thread));
        Assert.All(found.Values.Where(r => r.Type is ResourceType.Process or ResourceType.Thread), r =>
            Assert.EndsWith($"\t{r.Virtual}", File.ReadLines($"/proc/{r.System}/status").Single(line => line.StartsWith("NSpid:", StringComparison.Ordinal)), StringComparison.Ordinal));
        Assert.Equal(instance.InitPid.ToString(), SystemOf(ResourceType.Process, "1"));
        Assert.True(found.Values.Count(r => r.Type == ResourceType.Session) >= 2);
        Assert.True(found.Values.Count(r => r.Type == ResourceType.ProcessGroup) >= 3);

        // Sockets: each system id is a descriptor of its owner.
        foreach (var id in new[] { "0.0.0.0:7101", "[::]:7102" }) Assert.Equal("listening", found[(ResourceType.Tcp, id)].Detail);
        Assert.Equal(2, found.Values.Count(r => r.Type == ResourceType.Tcp && r.Detail == "connected"));
        Assert.Equal("bound", found[(ResourceType.Udp, "0.0.0.0:7103")].Detail);
        Assert.Single(found.Values, r => r.Type == ResourceType.Udp && r.Detail == "connected");
        var names = found.Values.Where(r => r.Type == ResourceType.UnixSocket).ToList();
        foreach (var name in new[] { "/var/tmp/stream.sock", "/var/tmp/datagram.sock", "@resources" }) Assert.Contains(names, r => r.Virtual == name);
        Assert.Equal(3, names.Count(r => r.Detail is "listening" or "bound"));
        Assert.Equal(6, names.Count(r => r.Detail!.StartsWith("connected", StringComparison.Ordinal))); // Two connections and a pair.
        Assert.All(found.Values.Where(r => r.Type is ResourceType.Tcp or ResourceType.Udp or ResourceType.UnixSocket), r =>
            Assert.Contains(Directory.GetFiles($"/proc/{SystemOf(ResourceType.Process, r.Owner.ToString())}/fd"), fd => new FileInfo(fd).LinkTarget == r.System));
        var mounts = File.ReadLines($"/proc/{instance.InitPid}/mountinfo").ToList();
        Assert.Equal(mounts.Count, found.Values.Count(r => r.Type == ResourceType.Mount));
        Assert.Contains(mounts, line => line.StartsWith($"{SystemOf(ResourceType.Mount, "/dev/shm")} ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_restored_instance_has_every_virtual_id_and_other_system_ids()
    {
        await using var instance = await StartAsync();
        for (var round = 0; round < 3; round++)
        {
            var before = ResourceScanner.Find(OnNode(instance), null);
            var images = instance.NewDirectory($"images{round}");
            instance.Freeze();
            var dump = instance.DumpAsync(images);
            var tables = new List<ResourceTable>();
            while (!dump.IsCompleted) tables.Add(ResourceScanner.Scan(OnNode(instance), queues: true)); // With CRIU's code in the processes.
            await dump;
            output.WriteLine($"{tables.Count} scans beside the dump");
            Assert.All(tables, table => Assert.Empty(ResourceDifference.Between(tables[0], table)));
            await instance.KillAsync();
            IReadOnlyList<string> differences = ["not compared"];
            await instance.RestoreAsync(images, new RecordedStages
            {
                OnQueues = instance.Queues(images).RestoreAsync,
                OnVerify = init =>
                {
                    differences = ResourceDifference.Between(tables[0], ResourceScanner.Scan(OnNode(instance) with { InitPid = init }, queues: true));
                    return Task.CompletedTask;
                },
            });
            Assert.Empty(differences);
            var after = ResourceScanner.Find(OnNode(instance), null);
            Assert.Empty(VirtualIds.Differences(VirtualIds.Of(before), VirtualIds.Of(after)));
            // Not mounts and namespaces: the kernel gives the numbers of those that have gone to new ones.
            foreach (var type in new[] { ResourceType.Process, ResourceType.Thread, ResourceType.Tcp, ResourceType.UnixSocket })
                Assert.Empty(before.Where(r => r.Type == type).Select(r => r.System).Intersect(after.Where(r => r.Type == type).Select(r => r.System)));
        }
    }

    private static InstanceOnNode OnNode(TestInstance instance) => new(instance.InitPid, instance.Pids(), "port", "cgroup");

    private static async Task<TestInstance> StartAsync(params string[] options)
    {
        var instance = await TestInstance.StartAsync(["/apps/resources", "/var/tmp", .. options]);
        try
        {
            await instance.ListeningAsync(7101);
            await TestInstance.UntilAsync(() => ResourceScanner.Find(OnNode(instance), null).Count(r => r.Type == ResourceType.Tcp) == 4, "all sockets");
            return instance;
        }
        catch
        {
            await instance.DisposeAsync();
            throw;
        }
    }
}
