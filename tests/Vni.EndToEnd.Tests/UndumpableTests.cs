using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>A process that holds what cannot be saved: the snapshot is refused, and the application goes on [A4].</summary>
public sealed class UndumpableTests(FarmFixture fixture) : FarmTests(fixture)
{
    [Fact]
    public Task An_io_uring_is_named() => RefuseAsync([], "io_uring", "uring");

    [Fact]
    public Task A_traced_process_is_named() => RefuseAsync([], "trac", "traced");

    [Fact]
    public async Task An_open_device_is_named()
    {
        // An instance's own /dev holds nothing of the kind: only a root of the user's can.
        var root = Path.Combine(Farm.Directory, "root");
        Directory.CreateDirectory(root);
        await Shell.RunAsync("sh", "-c", $"cd '{root}' && mkdir -p bin lib64 etc dev proc sys tmp var opt && cp '{App("undumpable")}' bin/ && cp -L /lib64/ld-linux-x86-64.so.2 lib64/ && mkdir -p lib/x86_64-linux-gnu && cp -L /lib/x86_64-linux-gnu/libc.so.6 lib/x86_64-linux-gnu/ && echo root:x:0:0:root:/:/bin/sh > etc/passwd && mknod opt/fuse c 10 229");
        await RefuseAsync(["--root", root], "/opt/fuse", "device=/opt/fuse");
    }

    private async Task RefuseAsync(string[] options, string reason, params string[] arguments)
    {
        var program = options.Length == 0 ? App("undumpable") : "/bin/undumpable";
        var ip = (await Farm.VniJsonAsync("run", ["--name", "odd", .. options, "--", program, .. arguments])).Text("ip");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await client.CountAsync();
        var before = (await Farm.InspectAsync("odd")).Processes();
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var sentence = await Farm.RefusedAsync("not_dumpable", "snapshot", "odd");
            Assert.Contains("undumpable", sentence, StringComparison.Ordinal);
            Assert.Contains(reason, sentence, StringComparison.Ordinal);
            await client.CountAsync();
            var after = await Farm.InspectAsync("odd");
            Assert.Equal("running", after.Text("status"));
            Assert.Equal(before, after.Processes());
        }

        Assert.Empty((await Farm.VniJsonAsync("snapshots", "odd")).EnumerateArray());
        var directory = Path.Combine(Farm.State, "snapshots");
        Assert.True(!Directory.Exists(directory) || Directory.GetFileSystemEntries(directory).Length == 0, "the refused snapshot left files");
    }
}
