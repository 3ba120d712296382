using System.Diagnostics;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Client;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class CompletionTests
{
    [Theory]
    [InlineData("r", "run restore rids rm registry rules")]
    [InlineData("rules|", "check fmt show")]
    [InlineData("rules|show|", "cache web")]
    [InlineData("run|--ru", "--rules")]
    [InlineData("snap", "snapshot snapshots")]
    [InlineData("inspect|", "cache web")]
    [InlineData("inspect|w", "web")]
    [InlineData("stop|web|", "cache web")]
    [InlineData("exec|-T|", "cache web")]
    [InlineData("restore|web|--snapshot|", "web.0h2k4m6n8p1q")]
    [InlineData("restore|web|--s", "--snapshot --socket")]
    [InlineData("run|--me", "--memory")]
    [InlineData("ps|-o|", "json text")]
    [InlineData("completion|", "bash fish zsh")]
    [InlineData("rids|web|--type|se", "semaphore session")]
    [InlineData("translate|sem", "semaphore")]
    [InlineData("translate|web|sem", "semaphore")]
    [InlineData("exec|web|--|", "")]
    [InlineData("exec|web|--|--u", "")]
    [InlineData("run|--ip|", "")]
    [InlineData("__", "")]
    public async Task The_last_word_completes_to_what_there_is(string words, string candidates)
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("GET /v1/applications", [Examples.Application(), Examples.Application("cache")], VniJson.Default.IReadOnlyListApplicationView);
        daemon.On("GET /v1/snapshots", [Examples.Snapshot()], VniJson.Default.IReadOnlyListSnapshotView);
        var run = await CliRun.Of(daemon, ["__complete", "--", .. words.Split('|')]);
        var offered = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')[0]);
        Assert.Equal(candidates.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(), offered.Order());
        Assert.Equal((0, ""), (run.Status, run.Error));
    }

    [Fact]
    public async Task Without_a_daemon_there_is_nothing_to_offer_and_nothing_to_say() =>
        Assert.Equal(new CliRun(0, "", ""), await CliRun.Of(null, "__complete", "--", "inspect", ""));

    [Fact]
    public async Task An_empty_line_completes_to_every_command()
    {
        var run = await CliRun.Of(null, "__complete", "--", "");
        Assert.Contains("run\tStart an application with its own address and hostname\n", run.Output);
        Assert.DoesNotContain("-o", run.Output);
    }

    [Fact]
    public async Task Bash_completes_with_the_script()
    {
        var directory = Directory.CreateTempSubdirectory("vni-completion-");
        try
        {
            // Stands for the program: prints what it was asked, as candidates.
            var vni = Path.Combine(directory.FullName, "vni");
            await File.WriteAllTextAsync(vni, "#!/bin/sh\nshift 2\nprintf '%s\\tabout\\n' \"$#\" \"last=$4\"\n");
            File.SetUnixFileMode(vni, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var script = (await CliRun.Of(null, "completion", "bash")).Output;
            var info = new ProcessStartInfo("bash", ["--norc", "-c", script + "COMP_WORDS=(vni restore web --snapshot 'we b'); COMP_CWORD=4; _vni; printf '%s|' \"${COMPREPLY[@]}\""])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
            };
            info.Environment["PATH"] = directory.FullName + ":" + Environment.GetEnvironmentVariable("PATH");
            using var bash = Process.Start(info)!;
            Assert.Equal("4|last=we b|", await bash.StandardOutput.ReadToEndAsync());
            await bash.WaitForExitAsync();
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
