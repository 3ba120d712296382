using System.Diagnostics;
using System.Globalization;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Instances;

public sealed class SpawnTests : IDisposable
{
    private readonly PidfdWatcher _watcher = new();
    private readonly ProcessSpawner _spawner;

    public SpawnTests() => _spawner = new ProcessSpawner(_watcher);

    public void Dispose() => _watcher.Dispose();

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 255", 255)]
    [InlineData("kill -KILL $$", 137)]
    [InlineData("kill -TERM $$", 143)]
    public async Task Exit_status_is_the_programs_or_128_and_the_signal(string script, int expected)
    {
        using var process = Shell(script);
        Assert.Equal(expected, await process.Exited);
        Assert.False(Directory.Exists($"/proc/{process.Pid}"), "a zombie stayed");
    }

    [Fact]
    public void A_program_that_does_not_exist_is_reported_by_the_call()
    {
        var e = Assert.Throws<LinuxException>(() => _spawner.Spawn("/no/such/program", [], []));
        Assert.Equal(Libc.ENOENT, e.Errno);
    }

    [Fact]
    public async Task Child_has_default_signals_no_mask_a_minimal_environment_and_a_session_of_its_own()
    {
        var (status, output) = await Capture("cat /proc/self/status; echo; cat /proc/self/environ; echo; cut -d' ' -f1,6 /proc/$$/stat");
        Assert.Equal(0, status);
        Assert.Contains("SigBlk:\t0000000000000000", output);
        Assert.Contains("SigIgn:\t0000000000000000", output);
        Assert.Contains("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", output);
        Assert.DoesNotContain("HOME=", output);
        var ids = output.TrimEnd().Split('\n')[^1].Split(' ');
        Assert.Equal(ids[0], ids[1]);
    }

    [Fact]
    public async Task Child_has_the_given_descriptors_and_no_other_also_when_ours_are_inheritable()
    {
        // A descriptor without close-on-exec, as a careless library might leave it.
        var inheritable = Duplicate(2);
        try
        {
            // "... 0 -> /dev/null"; the program's own descriptor for listing leads to the directory itself.
            var (_, output) = await Capture("exec ls -l /proc/self/fd");
            var lines = output.TrimEnd().Split('\n').Where(l => l.Contains("->", StringComparison.Ordinal) && !l.EndsWith("/fd", StringComparison.Ordinal))
                .Select(l => string.Join(' ', l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^3..]).Replace("-> ", "")).Order().ToArray();
            Assert.Equal(["0", "1", "2"], lines.Select(l => l.Split(' ')[0]));
            Assert.EndsWith("/dev/null", lines[0]);
            Assert.StartsWith("1 pipe:", lines[1]);
            Assert.EndsWith("/dev/null", lines[2]);
        }
        finally
        {
            _ = Close(inheritable);
        }
    }

    [Fact]
    public async Task Descriptors_may_swap_numbers()
    {
        using var a = new AnonymousPipeServerStream(PipeDirection.In);
        using var b = new AnonymousPipeServerStream(PipeDirection.In);
        var (low, high) = ((int)a.ClientSafePipeHandle.DangerousGetHandle(), (int)b.ClientSafePipeHandle.DangerousGetHandle());
        using var process = _spawner.Spawn("/bin/bash", ["-c", $"echo to-b >&{low}; echo to-a >&{high}"], [(low, b.ClientSafePipeHandle), (high, a.ClientSafePipeHandle)]);
        a.DisposeLocalCopyOfClientHandle();
        b.DisposeLocalCopyOfClientHandle();
        Assert.Equal("to-a\n", await new StreamReader(a).ReadToEndAsync());
        Assert.Equal("to-b\n", await new StreamReader(b).ReadToEndAsync());
        Assert.Equal(0, await process.Exited);
    }

    [Fact]
    public async Task Working_directory_is_the_given_one()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var process = _spawner.Spawn("/bin/pwd", [], [(1, pipe.ClientSafePipeHandle)], "/usr/share");
        pipe.DisposeLocalCopyOfClientHandle();
        Assert.Equal("/usr/share\n", await new StreamReader(pipe).ReadToEndAsync());
    }

    [Fact]
    public async Task Hundred_processes_are_noticed_and_reaped_also_when_nobody_holds_them()
    {
        var processes = Enumerable.Range(0, 100).Select(i => Shell($"exit {i}")).ToArray();
        var exits = processes.Select(p => p.Exited).ToArray();
        foreach (var process in processes) process.Dispose();
        Assert.Equal(Enumerable.Range(0, 100), await Task.WhenAll(exits));
        Assert.All(processes, p => Assert.False(Directory.Exists($"/proc/{p.Pid}")));
    }

    [Fact]
    public async Task Kill_reaches_the_process_and_is_harmless_afterwards()
    {
        using var process = Shell("exec sleep 1000");
        process.Kill(Libc.SIGKILL);
        Assert.Equal(137, await process.Exited);
        process.Kill(Libc.SIGKILL);
    }

    [Fact]
    public async Task End_of_a_foreign_process_is_noticed_without_its_status()
    {
        // The sleep is a child of the shell, not of ours.
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var shell = _spawner.Spawn("/bin/sh", ["-c", "sleep 1000 & echo $!; wait"], [(1, pipe.ClientSafePipeHandle)]);
        pipe.DisposeLocalCopyOfClientHandle();
        var pid = int.Parse((await new StreamReader(pipe).ReadLineAsync())!, CultureInfo.InvariantCulture);
        using var watched = _watcher.Watch(pid);
        var noticed = _watcher.WatchAsync(pid);
        Assert.False(noticed.IsCompleted);
        watched.Kill(Libc.SIGKILL);
        await noticed;
        Assert.Equal(SpawnedProcess.UnknownStatus, await watched.Exited);
        Assert.Equal(0, await shell.Exited);
        await _watcher.WatchAsync(pid);
    }

    [Fact]
    public async Task Orphans_are_adopted_and_reaped_and_children_of_the_runtime_are_left_to_it()
    {
        _watcher.AdoptOrphans();

        // The grandchild outlives its parent and writes when it ends, by closing the pipe.
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var start = new AnonymousPipeServerStream(PipeDirection.Out);
        using var shell = _spawner.Spawn(
            "/bin/sh", ["-c", "{ read line <&3; } & echo $!"], [(1, pipe.ClientSafePipeHandle), (3, start.ClientSafePipeHandle)]);
        pipe.DisposeLocalCopyOfClientHandle();
        start.DisposeLocalCopyOfClientHandle();
        var output = new StreamReader(pipe);
        var orphan = int.Parse((await output.ReadLineAsync())!, CultureInfo.InvariantCulture);
        Assert.Equal(0, await shell.Exited);
        Assert.Contains($"PPid:\t{Environment.ProcessId}\n", await File.ReadAllTextAsync($"/proc/{orphan}/status"));
        using var runtimes = Process.Start("/bin/sh", ["-c", "exit 7"]);
        start.Dispose();
        Assert.Equal("", await output.ReadToEndAsync());
        await WaitUntilGone(orphan);
        await runtimes.WaitForExitAsync();
        Assert.Equal(7, runtimes.ExitCode);
    }

    private static async Task WaitUntilGone(int pid)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (Directory.Exists($"/proc/{pid}"))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, limit.Token);
        }
    }

    private SpawnedProcess Shell(string script) => _spawner.Spawn("/bin/sh", ["-c", script], []);

    private async Task<(int Status, string Output)> Capture(string script)
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var process = _spawner.Spawn("/bin/sh", ["-c", script], [(1, pipe.ClientSafePipeHandle)]);
        pipe.DisposeLocalCopyOfClientHandle();
        var output = await new StreamReader(pipe).ReadToEndAsync();
        return (await process.Exited, output);
    }

    [DllImport("libc", EntryPoint = "dup")]
    private static extern int Duplicate(int descriptor);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int Close(int descriptor);
}
