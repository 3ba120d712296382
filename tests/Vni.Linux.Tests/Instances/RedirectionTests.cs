using Vni.Actors;
using Vni.Actors.Interposition;
using Vni.Actors.Rules;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Instances;

/// <summary>Dynamic symbolic links in real overlays.</summary>
#pragma warning disable CA1001 // IAsyncLifetime.DisposeAsync disposes the node.
public sealed class RedirectionTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private readonly TestNode _node = new();

    private string Scratch => Path.GetDirectoryName(_node.Options.StateDirectory)!;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task A_directory_is_seen_at_its_target_and_changes_of_it_stay_in_the_instance()
    {
        var config = Directory.CreateDirectory(Path.Combine(Scratch, "config/sub")).Parent!.FullName;
        await File.WriteAllTextAsync(Path.Combine(config, "sub/file"), "shipped\n");
        File.SetUnixFileMode(config, (UnixFileMode)0x1e8 /* 0750 */);
        var instance = await _node.StartAsync(Spec(new Redirection(config, "/usr/app/web/config", false, default)));
        var (_, output) = await instance.RunAsync($"""
            readlink {config}; stat -c %a {config}/
            cat {config}/sub/file; echo more >> {config}/sub/file; cat /usr/app/web/config/sub/file
            mv {config}/sub/file {config}/moved; rmdir {config}/sub; ls /usr/app/web/config
            """);
        Assert.Equal("/usr/app/web/config\n750\nshipped\nshipped\nmore\nmoved\n", output);
        Assert.Equal("shipped\n", await File.ReadAllTextAsync(Path.Combine(config, "sub/file")));
    }

    [Fact]
    public async Task What_is_masked_stays_masked_behind_a_redirection()
    {
        // The test's own directory holds the state directory of the node, which no instance may see.
        await File.WriteAllTextAsync(Path.Combine(_node.Options.StateDirectory, "secret"), "");
        await File.WriteAllTextAsync(Path.Combine(Scratch, "beside"), "seen\n");
        var instance = await _node.StartAsync(Spec(
            new Redirection(Scratch, "/usr/app/web/scratch", false, default), new Redirection("/root", "/usr/app/web/root", false, default), new Redirection("/etc/shadow", "/run/web/shadow", false, default)));
        var (_, output) = await instance.RunAsync($"""
            cat {Scratch}/beside; ls -A {_node.Options.StateDirectory} /usr/app/web/scratch/state /usr/app/web/root | grep -v -e ':$' -e '^$'
            cat /etc/shadow; echo mine > /etc/shadow; cat /run/web/shadow
            """);
        Assert.Equal("seen\ncat: /etc/shadow: No such file or directory\nmine\n", output);
    }

    [Fact]
    public async Task A_file_that_is_not_there_yet_is_made_at_the_target_by_whoever_could_make_it()
    {
        var own = Directory.CreateDirectory(Path.Combine(Scratch, "own")).FullName;
        using (var handle = Libc.OpenDirectory(own)) Libc.ChangeOwner(handle, 33, 33, own);
        var instance = await _node.StartAsync(Spec(new Redirection(own + "/x.pid", "/run/web/pids/x.pid", false, default), new Redirection("/var/run/lock/dir", "/srv/web/dir", true, default)));
        var (_, output) = await instance.RunAsync($"echo 1 > {own}/x.pid; cat /run/web/pids/x.pid; stat -c '%U %a' /run/web/pids /run/web; stat -c %F /srv/web/dir", "www-data");
        Assert.Equal("1\nwww-data 755\nroot 755\ndirectory\n", output);
    }

    [Fact]
    public async Task A_layer_with_redirections_is_the_same_after_it_was_archived()
    {
        var config = Directory.CreateDirectory(Path.Combine(Scratch, "config")).FullName;
        await File.WriteAllTextAsync(Path.Combine(config, "file"), "shipped\n");
        var spec = Spec(new Redirection(config, "/usr/app/web/config", false, default));
        var paths = _node.PathsOf(spec);
        _node.Layers.Build(spec, paths);
        var archive = Path.Combine(Scratch, "layer.tar");
        await LayerArchive.SaveAsync(_node.Spawner, paths.Upper, archive);
        TreeRemoval.Remove(paths.Upper);
        Directory.CreateDirectory(paths.Upper);
        await LayerArchive.ExtractAsync(_node.Spawner, archive, paths.Upper);
        var instance = await _node.StartAsync(spec);
        Assert.Equal((0, "shipped\n"), await instance.RunAsync($"cat {config}/file"));
    }

    [Fact]
    public void Rules_that_the_files_do_not_allow_leave_no_layer()
    {
        var spec = Spec(new Redirection("/etc/passwd/x", "/srv/x", false, new RulePosition(3, 1)));
        Assert.Contains("rules:3:1: '/etc/passwd', on the way", Assert.Throws<VniException>(() => _node.Layers.Build(spec, _node.PathsOf(spec))).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_node.PathsOf(spec).Directory));
    }

    private static InstanceSpec Spec(params Redirection[] redirections) =>
        TestNode.Spec(TestNode.Shell("exec sleep 1000")) with { Rules = new EvaluatedRules { Redirections = redirections } };
}
