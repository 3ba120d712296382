using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>What cannot be done is refused with a sentence and a code, and leaves nothing behind.</summary>
public sealed class BadInputTests(FarmFixture fixture) : FarmTests(fixture)
{
    public static TheoryData<string> BadNames =>
        ["a/b", "../escape", "..", ".", "a.b", " ", "Upper", "-first", "last-", "ümlaut", "line\nbreak", "tab\there", "bell\a", new string('a', 64), new string('a', 300)];

    [Theory]
    [MemberData(nameof(BadNames))]
    public async Task Bad_application_names_are_refused_by_every_command(string name)
    {
        await Farm.RefusedAsync("invalid_argument", "run", "--name=" + name, "--", App("static"));
        foreach (var command in new[] { "inspect", "logs", "stop", "start", "rm", "snapshot", "restore", "events" })
        {
            await Farm.RefusedAsync("invalid_argument", command, "--", name);
        }

        Assert.Empty((await Farm.VniJsonAsync("ps")).EnumerateArray());
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("a.b")]
    [InlineData("a b")]
    [InlineData("Upper")]
    [InlineData("-x")]
    public async Task Bad_hostnames_are_refused(string hostname) =>
        await Farm.RefusedAsync("invalid_argument", "run", "--name", "bad", "--hostname=" + hostname, "--", App("static"));

    [Theory]
    [InlineData("10.117.0.300", "invalid_argument")]
    [InlineData("10.117.1", "invalid_argument")]
    [InlineData("010.117.0.5", "invalid_argument")]
    [InlineData("0x0a750005", "invalid_argument")]
    [InlineData("10.117.0.5/16", "invalid_argument")]
    [InlineData("fe80::1", "invalid_argument")]
    [InlineData("::ffff:10.117.0.5", "invalid_argument")]
    [InlineData("localhost", "invalid_argument")]
    [InlineData("10.118.0.1", "address_out_of_range")]
    [InlineData("127.0.0.1", "address_out_of_range")]
    [InlineData("10.117.0.0", "address_out_of_range")]
    [InlineData("10.117.255.255", "address_out_of_range")]
    [InlineData(Farm.Gateway, "address_out_of_range")]
    public async Task Bad_addresses_are_refused(string ip, string code)
    {
        Assert.Contains(ip, await Farm.RefusedAsync(code, "run", "--name", "bad", "--ip", ip, "--", App("static")), StringComparison.Ordinal);
        await Farm.RefusedAsync("not_found", "inspect", "bad");
    }

    [Theory]
    [InlineData("command_not_found", "no-such-program")]
    [InlineData("command_not_found", "/no/such/program")]
    [InlineData("command_not_executable", "/etc/passwd")]
    [InlineData("command_not_executable", "/etc")]
    public async Task A_command_that_cannot_be_executed_is_refused(string code, string command)
    {
        Assert.Contains(command, await Farm.RefusedAsync(code, "run", "--name", "bad", "--", command), StringComparison.Ordinal);
        await Farm.RefusedAsync("not_found", "inspect", "bad");
    }

    [Theory]
    [InlineData("root_not_found", "--root", "/no/such/root")]
    [InlineData("root_not_found", "--root", "/etc/passwd")]
    [InlineData("root_not_found", "--root", "relative/root")]
    [InlineData("user_not_found", "--user", "nobody-of-that-name")]
    [InlineData("workdir_not_found", "--workdir", "/no/such/directory")]
    [InlineData("invalid_argument", "--workdir", "relative")]
    [InlineData("invalid_argument", "--memory", "10k")]
    public async Task Bad_options_are_refused(string code, string option, string value)
    {
        await Farm.RefusedAsync(code, "run", "--name", "bad", option, value, "--", App("static"));
        await Farm.RefusedAsync("not_found", "inspect", "bad");
    }

    [Theory]
    [InlineData("../../registry.db")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    public async Task A_snapshot_name_that_is_a_path_is_refused(string name)
    {
        await RunCounterAsync("app");
        await Farm.VniAsync("snapshot", "app");
        var outcome = await Farm.TryVniAsync("restore", "app", "--snapshot", name);
        Assert.Equal(1, outcome.Status);
        Assert.True(outcome.Error.Contains("snapshot_not_found", StringComparison.Ordinal) || outcome.Error.Contains("invalid_argument", StringComparison.Ordinal), outcome.Error);
        Assert.Equal("dormant", await Farm.StatusAsync("app"));
    }

    [Theory]
    [InlineData("../../../../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("main/../main")]
    public async Task A_process_name_that_is_a_path_opens_no_file(string name)
    {
        await RunCounterAsync("app");
        var outcome = await Farm.TryVniAsync("logs", "app", "--process", name);
        Assert.Equal(1, outcome.Status);
        Assert.DoesNotContain("root:", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_that_the_application_replaced_by_a_link_does_not_show_the_nodes_files()
    {
        await Farm.RunAsync("sly", "/bin/sh", "-c", "rm /var/log/vni/main.log; ln -s /etc/shadow /var/log/vni/main.log; echo linked > /var/tmp/done; exec sleep 1000");
        await Eventually.GetAsync("the link", () => Farm.TryVniAsync("exec", "sly", "--", "cat", "/var/tmp/done"), o => o.Output == "linked\n");
        Assert.DoesNotContain("root:", (await Farm.TryVniAsync("logs", "sly")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Operations_in_a_wrong_state_are_refused_and_change_nothing()
    {
        await RunCounterAsync("app");
        await Farm.RefusedAsync("wrong_state", "restore", "app");
        await Farm.RefusedAsync("wrong_state", "start", "app");
        await Farm.RefusedAsync("wrong_state", "rm", "app");
        Assert.Equal("running", await Farm.StatusAsync("app"));
        await Farm.VniAsync("snapshot", "app");
        await Farm.RefusedAsync("wrong_state", "snapshot", "app");
        Assert.Equal("dormant", await Farm.StatusAsync("app"));
        await Farm.VniAsync("restore", "app");
        Assert.Equal("running", await Farm.StatusAsync("app"));
    }
}
