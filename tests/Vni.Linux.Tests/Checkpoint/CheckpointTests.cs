using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Resources;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;
using Vni.Interposer.Resources;
using Xunit;

namespace Vni.Linux.Tests.Checkpoint;

public sealed partial class CheckpointTests
{
    private static readonly string[][] Chain = [["/apps/chain", "alpha", "/var/tmp"], ["/apps/chain", "beta", "/var/tmp"], ["/apps/chain", "gamma", "/var/tmp"]];

    private static readonly string[] Server = ["/usr/bin/python3", "/apps/echo.py"];

    [Fact]
    public async Task A_chain_comes_back_from_a_whole_snapshot_with_every_id_and_value()
    {
        await using var instance = await TestInstance.StartAsync(Chain);
        await ReadyAsync(instance);
        for (var round = 0; round < 2; round++)
        {
            var before = Reports(instance);
            var (directory, manifest, record) = await CaptureAsync(instance, round);
            Assert.Equal(7, Assert.Single(Assert.Single(manifest.Resources.Semaphores).Values));
            Assert.Single(manifest.Resources.SharedMemory);
            Assert.Single(manifest.Resources.MessageQueues);
            Assert.True(manifest.Resources.Processes.Count >= 5); // Harness, chain of three, child of beta.
            Assert.Contains(manifest.Resources.Processes, p => p.Threads.Count > 1);
            await instance.KillAsync();

            var read = ManifestFile.Read(directory, record);
            using var verifier = ImageVerifier.Start(directory, read);
            Directory.Move(instance.Upper, instance.Upper + round);
            Directory.Delete(instance.Work, recursive: true);
            Directory.CreateDirectory(instance.Work);
            await verifier.VerifyAsync("layer.tar");
            await LayerArchive.ExtractAsync(instance.Spawner, Path.Combine(directory, "layer.tar"), Directory.CreateDirectory(instance.Upper).FullName);
            IReadOnlyList<string> differences = ["not compared"];
            var stages = new RecordedStages
            {
                OnVerify = async init =>
                {
                    await verifier.VerifyAllAsync();
                    differences = ResourceDifference.Between(read.Resources, ResourceScanner.Scan(new InstanceOnNode(init, instance.Pids(), "port", "cgroup"), queues: false));
                },
            };
            var restored = await instance.RestoreAsync(Path.Combine(directory, "images"), stages);
            Assert.Null(restored.PlugFailure);
            Assert.Empty(differences);
            Assert.Equal(["network", "queues", "verify", "plug"], stages.Seen);
            Assert.Equal(before, Reports(instance));
        }
    }

    [Fact]
    public async Task Digests_made_beside_the_dump_are_those_of_the_finished_files()
    {
        await using var instance = await TestInstance.StartAsync(["/usr/bin/python3", "-c", "import os,time; m=os.urandom(96<<20); open('/var/tmp/up','w'); time.sleep(9999)"]);
        await TestInstance.UntilAsync(() => File.Exists(Path.Combine(instance.Upper, "var/tmp/up")), "the program");
        var (directory, manifest, _) = await CaptureAsync(instance, 0);
        Assert.Contains(manifest.Files, f => f.Size > 96 << 20);
        Assert.Equal(ManifestFile.FilesIn(directory), manifest.Files.Select(f => f.Name));
        foreach (var file in manifest.Files)
        {
            await using var content = File.OpenRead(Path.Combine(directory, file.Name));
            Assert.Equal((file.Name, content.Length, Convert.ToHexStringLower(await SHA256.HashDataAsync(content))), (file.Name, file.Size, file.Sha256));
        }
    }

    [Fact]
    public async Task A_failed_verification_leaves_no_process_and_the_images_restore_afterwards()
    {
        await using var instance = await TestInstance.StartAsync(Server);
        await instance.ListeningAsync(7000);
        var images = await DumpAndKillAsync(instance);
        var stages = new RecordedStages { OnVerify = _ => throw new VniException(ErrorCodes.VerificationFailed, "not as it was") };
        var e = await Assert.ThrowsAsync<VniException>(() => instance.RestoreAsync(images, stages));
        Assert.Equal(ErrorCodes.VerificationFailed, e.Code);
        Assert.Equal(["network", "queues", "verify"], stages.Seen);
        await instance.EmptyAsync();

        await instance.RestoreAsync(images, new RecordedStages());
        Assert.Equal("1 x", instance.Ask(7000, "x"));
    }

    [Fact]
    public async Task A_restore_that_is_cancelled_before_the_commit_leaves_no_process()
    {
        await using var instance = await TestInstance.StartAsync(Server);
        var images = await DumpAndKillAsync(instance);
        using var cancellation = new CancellationTokenSource();
        var stages = new RecordedStages { OnNetwork = _ => cancellation.CancelAsync() };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => instance.RestoreAsync(images, stages, cancellation.Token));
        Assert.Equal(["network"], stages.Seen);
        await instance.EmptyAsync();
    }

    [Fact]
    public async Task When_the_daemon_is_gone_before_the_commit_Criu_kills_what_it_rebuilt()
    {
        await using var instance = await TestInstance.StartAsync(Server);
        var images = await DumpAndKillAsync(instance);
        var criu = CriuSession.Start(instance.Spawner, instance.RestoreLaunch);
        var rebuilt = 0;
        Task closed = Task.CompletedTask;
        var stages = new RecordedStages
        {
            OnVerify = _ =>
            {
                rebuilt = instance.Pids().Count;
                closed = criu.DisposeAsync().AsTask(); // All that CRIU sees of the daemon's death is its socket.
                return Task.CompletedTask;
            },
        };
        await Assert.ThrowsAnyAsync<Exception>(() => Restore.RunAsync(criu, instance.RestoreRequest(images), stages, CancellationToken.None));
        await closed;
        Assert.True(rebuilt >= 2);
        await instance.EmptyAsync();
    }

    [Fact]
    public async Task When_the_daemon_is_gone_after_the_commit_Criu_goes_on_and_the_processes_run()
    {
        await using var instance = await TestInstance.StartAsync(Server);
        await instance.ListeningAsync(7000);
        var images = await DumpAndKillAsync(instance);
        var criu = CriuSession.Start(instance.Spawner, instance.RestoreLaunch);
        Task closed = Task.CompletedTask;
        var stages = new RecordedStages
        {
            OnVerify = init =>
            {
                instance.InitPid = init;
                return Task.CompletedTask;
            },
            OnPlug = () =>
            {
                closed = criu.DisposeAsync().AsTask();
                return Task.CompletedTask;
            },
        };
        await Assert.ThrowsAnyAsync<Exception>(() => Restore.RunAsync(criu, instance.RestoreRequest(images), stages, CancellationToken.None));
        await closed;
        Assert.Equal("1 x", instance.Ask(7000, "x"));
    }

    [Fact]
    public async Task A_port_that_cannot_be_plugged_does_not_hold_back_the_processes()
    {
        await using var instance = await TestInstance.StartAsync(Server);
        await instance.ListeningAsync(7000);
        var images = await DumpAndKillAsync(instance);
        var restored = await instance.RestoreAsync(images, new RecordedStages { OnPlug = () => throw new IOException("no port") });
        Assert.Equal("no port", restored.PlugFailure?.Message);
        Assert.Equal("1 x", instance.Ask(7000, "x"));
    }

    [Fact]
    public async Task A_connection_that_nobody_has_accepted_is_a_refusal_that_goes_away()
    {
        const string program = "import socket,time; a=socket.socket(); a.bind(('127.0.0.1',7000)); a.listen(); b=socket.create_connection(('127.0.0.1',7000)); open('/var/tmp/up','w'); time.sleep(9999)";
        await using var instance = await TestInstance.StartAsync(["/usr/bin/python3", "-c", program]);
        await TestInstance.UntilAsync(() => File.Exists(Path.Combine(instance.Upper, "var/tmp/up")), "the connection");
        instance.Freeze();
        var e = await Assert.ThrowsAsync<VniException>(() => instance.DumpAsync(instance.NewDirectory("images")));
        Assert.Equal(ErrorCodes.NotDumpable, e.Code);
        Assert.True(Transient.Is(e));
    }

    [Fact]
    public async Task A_full_disk_is_named_and_the_application_runs_on()
    {
        await using var instance = await TestInstance.StartAsync(Server);
        await instance.ListeningAsync(7000);
        var images = instance.NewDirectory("images");
        Programs.Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", images);
        try
        {
            instance.Freeze();
            var e = await Assert.ThrowsAsync<VniException>(() => instance.DumpAsync(images));
            Assert.Equal(ErrorCodes.NoSpace, e.Code);
            instance.Thaw();
            Assert.Equal("1 x", instance.Ask(7000, "x"));
        }
        finally
        {
            Programs.Run("umount", images);
        }
    }

    [Fact]
    public async Task A_program_that_is_another_one_now_fails_the_restore_with_its_name()
    {
        await using var instance = await TestInstance.StartAsync(["/apps/static"]);
        var images = await DumpAndKillAsync(instance);
        File.AppendAllText(Path.Combine(instance.Upper, "apps/static"), "x");
        var e = await Assert.ThrowsAsync<VniException>(() => instance.RestoreAsync(images, new RecordedStages()));
        Assert.Equal(ErrorCodes.RestoreFailed, e.Code);
        Assert.Contains("apps/static", e.Message);
        await instance.EmptyAsync();

        File.Delete(Path.Combine(instance.Upper, "apps/static"));
        e = await Assert.ThrowsAsync<VniException>(() => instance.RestoreAsync(images, new RecordedStages()));
        Assert.Contains("apps/static does not exist", e.Message);
        await instance.EmptyAsync();
    }

    [Fact]
    public async Task Criu_that_cannot_start_is_reported_with_what_it_said()
    {
        await using var instance = await TestInstance.StartAsync(Server);
        instance.Freeze();
        foreach (var (launch, said) in new[] { (instance.DumpLaunch with { CriuPath = "/no/such/criu" }, "/no/such/criu"), (instance.DumpLaunch with { RuntimeDirectory = "/no/such/run" }, "/no/such/run") })
        {
            await using var criu = CriuSession.Start(instance.Spawner, launch);
            var request = new DumpRequest { Aid = instance.Aid, InitPid = instance.InitPid, FrozenCgroup = instance.Cgroup, ImagesDirectory = instance.NewDirectory("images"), LogDirectory = instance.Logs };
            var e = await Assert.ThrowsAsync<VniException>(() => Dump.RunAsync(criu, request));
            Assert.Equal(ErrorCodes.NodeIncapable, e.Code);
            Assert.Contains(said, e.Message);
        }
    }

    [Fact]
    public async Task A_session_that_is_not_used_ends_with_its_socket()
    {
        await using var instance = await TestInstance.StartAsync(Server);
        var criu = CriuSession.Start(instance.Spawner, instance.DumpLaunch);
        var pid = criu.Pid;
        await criu.DisposeAsync();
        Assert.False(Directory.Exists($"/proc/{pid}"));
    }

    private static async Task<string> DumpAndKillAsync(TestInstance instance)
    {
        instance.Freeze();
        var images = instance.NewDirectory("images");
        await instance.DumpAsync(images);
        await instance.KillAsync();
        return images;
    }

    private static async Task<(string Directory, SnapshotManifest Manifest, SnapshotRecord Record)> CaptureAsync(TestInstance instance, int round)
    {
        instance.Freeze();
        Assert.Empty(FindingTests.Find(instance));
        var directory = instance.NewDirectory($"snapshot{round}");
        var images = instance.NewDirectory($"snapshot{round}/images");
        using var hasher = ImageHasher.Start(images, TimeProvider.System);
        var layer = LayerArchive.SaveAsync(instance.Spawner, instance.Upper, Path.Combine(directory, "layer.tar"));
        await Task.WhenAll(instance.DumpAsync(images), layer);
        var id = $"{instance.Aid}.000000000{round:d3}";
        var manifest = new SnapshotManifest
        {
            Id = id,
            Aid = instance.Aid,
            Created = DateTimeOffset.UnixEpoch,
            Node = "test",
            Epoch = 1,
            Declaration = new ApplicationDeclaration(),
            Identity = new VirtualIdentity("10.0.0.1", 24, "02:00:0a:00:00:01", "test"),
            Platform = new PlatformFacts { Architecture = "x86_64", Kernel = "6", Criu = "4.2", CpuFeatures = [] },
            Resources = ResourceScanner.Scan(new InstanceOnNode(instance.InitPid, instance.Pids(), "port", "cgroup"), queues: true),
            Files = await hasher.FinishAsync(directory),
        };
        var digest = ManifestFile.Write(directory, manifest);
        return (directory, manifest, new SnapshotRecord(id, instance.Aid, "test", manifest.Created, manifest.Files.Sum(f => f.Size), digest, Durable: false));
    }

    private static async Task ReadyAsync(TestInstance instance)
    {
        foreach (var port in new[] { 7001, 7002, 7003 }) await instance.ListeningAsync(port);
        await TestInstance.UntilAsync(() => !Reports(instance).Any(r => r.Contains("\"childAnswer\":-1")), "the chain");
    }

    /// <summary>What the chain says of itself, without what goes on with time.</summary>
    private static List<string> Reports(TestInstance instance) =>
        [.. new[] { 7001, 7002, 7003 }.Select(port => Ticks().Replace(instance.Ask(port, "REPORT"), ""))];

    [GeneratedRegex(@"""ticks"":\{[^}]*\}|""childAnswer"":\d+")]
    private static partial Regex Ticks();
}
