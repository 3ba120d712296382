using Xunit;

namespace Vni.Linux.Tests.Checkpoint;

/// <summary>An instance's <c>/dev/shm</c> is saved with it; one that is as it was made costs nothing (<c>native/tar.c</c>).</summary>
public sealed class SharedMemoryFilesTests
{
    private const string Own = "os.chown('/dev/shm', 7, 8)", Mode = "os.chmod('/dev/shm', 0o750)", File = "open('/dev/shm/f', 'w').write('kept')";

    [Theory]
    [InlineData("None", 100)]
    [InlineData(Own, long.MaxValue)]
    [InlineData(Mode, long.MaxValue)]
    [InlineData(File, long.MaxValue)]
    public async Task Shared_memory_comes_back_as_it_was(string change, long most)
    {
        await using var instance = await TestInstance.StartAsync(["/usr/bin/python3", "-c", $"import os,time; {change}; open('/var/tmp/up','w'); time.sleep(9999)"]);
        await TestInstance.UntilAsync(() => System.IO.File.Exists(Path.Combine(instance.Upper, "var/tmp/up")), "the program");
        for (var round = 0; round < 2; round++)
        {
            var before = Look(instance);
            instance.Freeze();
            var images = instance.NewDirectory($"images{round}");
            await instance.DumpAsync(images);
            Assert.InRange(new FileInfo(Assert.Single(Directory.GetFiles(images, "tmpfs-dev-*"))).Length, 1, most);
            await instance.KillAsync();
            var restored = await instance.RestoreAsync(images, new RecordedStages());
            Assert.Null(restored.PlugFailure);
            Assert.Equal(before, Look(instance));
        }
    }

    private static string Look(TestInstance instance) =>
        Programs.Run("nsenter", "-U", "-m", "-t", instance.InitPid.ToString(), "sh", "-c", "cd /dev/shm && stat -c '%n %a %u %g %s' . * 2>&1; cat f 2>&1; true");
}
