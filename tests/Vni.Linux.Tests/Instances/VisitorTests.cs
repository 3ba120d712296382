using System.Text;
using Vni.Actors;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Instances;

#pragma warning disable CA1001 // IAsyncLifetime.DisposeAsync disposes the node.
public sealed class VisitorTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private readonly TestNode _node = new();
    private RunningInstance _instance = null!;

    public async Task InitializeAsync() => _instance = await _node.StartAsync(TestNode.Spec(TestNode.Shell("exec sleep 1000")));

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task Streams_are_separate_and_closing_the_input_is_its_end()
    {
        await using var visitor = await _instance.VisitAsync(["/bin/sh", "-c", "cat; echo problem >&2; exit 42"], terminal: false);
        await visitor.Input.WriteAsync(Encoding.UTF8.GetBytes("hello"), _node.Limit);
        await visitor.Input.DisposeAsync();
        Assert.Equal("hello", await new StreamReader(visitor.Output).ReadToEndAsync(_node.Limit));
        Assert.Equal("problem\n", await new StreamReader(visitor.Error).ReadToEndAsync(_node.Limit));
        Assert.Equal(42, await visitor.Exited.WaitAsync(_node.Limit));
    }

    [Fact]
    public async Task A_visitor_is_in_the_instances_namespaces_and_not_in_its_cgroup()
    {
        await using var visitor = await _instance.VisitAsync(["/bin/cat"], terminal: false);
        var (_, output) = await _instance.RunAsync("hostname; for n in user net pid ipc uts mnt time; do [ $(readlink /proc/self/ns/$n) = $(readlink /proc/1/ns/$n) ] && echo same; done");
        Assert.Equal("web-1\n" + string.Concat(Enumerable.Repeat("same\n", 7)), output);
        Assert.Equal(2, _instance.Cgroup.Pids().Count);
        Assert.NotEmpty(_node.Cgroups.FindVisitors(_instance.Spec.Aid).Pids());
        Assert.Empty(Directory.EnumerateFiles(_node.Options.RuntimeDirectory));
    }

    [Fact]
    public async Task A_terminal_is_the_instances_own_has_the_given_size_and_can_be_resized()
    {
        await using var visitor = await _instance.VisitAsync(["/bin/sh", "-c", "stty -echo; tty; stty size; trap 'stty size' WINCH; echo ready; until read line && [ -n \"$line\" ]; do :; done; echo got $line"], terminal: true);
        var output = new StreamReader(visitor.Output);
        Assert.Equal("/dev/pts/0", await output.ReadLineAsync(_node.Limit));
        Assert.Equal("40 100", await output.ReadLineAsync(_node.Limit));
        Assert.Equal("ready", await output.ReadLineAsync(_node.Limit));
        visitor.Resize(120, 50);
        await visitor.Input.WriteAsync(Encoding.UTF8.GetBytes("\n"), _node.Limit);
        Assert.Equal("50 120", await output.ReadLineAsync(_node.Limit));
        await visitor.Input.WriteAsync(Encoding.UTF8.GetBytes("this\n"), _node.Limit);
        Assert.Equal("got this", await output.ReadLineAsync(_node.Limit));
        Assert.Null(await output.ReadLineAsync(_node.Limit));
        Assert.Equal(0, await visitor.Exited.WaitAsync(_node.Limit));
    }

    [Fact]
    public async Task Closing_a_terminals_input_is_end_of_file_for_the_visitor()
    {
        await using var visitor = await _instance.VisitAsync(["/bin/sh", "-c", "stty -echo; echo ready; cat > /dev/null; exit 6"], terminal: true);
        Assert.Equal("ready", await new StreamReader(visitor.Output).ReadLineAsync(_node.Limit));
        await visitor.Input.DisposeAsync();
        Assert.Equal(6, await visitor.Exited.WaitAsync(_node.Limit));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(15)]
    [InlineData(9)]
    public async Task A_signal_reaches_the_visitor_and_is_in_its_status(int signal)
    {
        await using var visitor = await _instance.VisitAsync(["/bin/sh", "-c", "echo ready; exec sleep 1000"], terminal: false);
        Assert.Equal("ready", await new StreamReader(visitor.Output).ReadLineAsync(_node.Limit));
        visitor.Signal(signal);
        Assert.Equal(128 + signal, await visitor.Exited.WaitAsync(_node.Limit));
        await _node.Cgroups.FindVisitors(_instance.Spec.Aid).WaitUntilEmptyAsync(_node.Limit);
    }

    [Fact]
    public async Task Disposing_ends_the_visitor_and_leaves_the_instance_alone()
    {
        var visitor = await _instance.VisitAsync(["/bin/sleep", "1000"], terminal: false);
        await visitor.DisposeAsync();
        await _node.Cgroups.FindVisitors(_instance.Spec.Aid).WaitUntilEmptyAsync(_node.Limit);
        Assert.True(_instance.Cgroup.IsPopulated);
    }

    [Theory]
    [InlineData("/no/such/program", "root", "/", ErrorCodes.CommandNotFound)]
    [InlineData("/bin/true", "nobody-at-all", "/", ErrorCodes.UserNotFound)]
    [InlineData("/bin/true", "root", "/no/such", ErrorCodes.WorkdirNotFound)]
    public async Task What_cannot_be_started_is_said_with_its_code(string command, string user, string workdir, string code)
    {
        foreach (var terminal in new[] { false, true })
        {
            var e = await Assert.ThrowsAsync<VniException>(() => _instance.VisitAsync([command], terminal, user, workdir));
            Assert.Equal(code, e.Code);
            Assert.StartsWith("cannot execute in application web: ", e.Message, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.EnumerateFiles(_node.Options.RuntimeDirectory));
    }

    [Fact]
    public async Task A_visitor_of_another_user_has_that_users_rights()
    {
        var (_, output) = await _instance.RunAsync("id -un; pwd; touch /etc/vni-visitor || echo refused", user: "www-data", workdir: "/usr");
        Assert.StartsWith("www-data\n/usr\n", output, StringComparison.Ordinal);
        Assert.EndsWith("refused\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Visiting_an_instance_that_has_ended_fails_with_a_sentence()
    {
        _instance.Cgroup.Kill();
        await _instance.EndedAsync();
        await _node.Watcher.WatchAsync(_instance.InitPid, _node.Limit);
        Assert.Equal(ErrorCodes.Internal, (await Assert.ThrowsAsync<VniException>(() => _instance.RunAsync("true"))).Code);
    }
}
