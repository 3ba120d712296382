using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>Names of a single node, which answers them itself, as dig and getent see them [D3, D5].</summary>
public sealed class NamesTests(FarmFixture fixture) : FarmTests(fixture)
{
    private const string Domain = "vni.internal";

    [Fact]
    public async Task A_name_has_its_address_and_an_address_its_name()
    {
        await RunAsync("shop", "10.117.8.1", "shop-host");
        foreach (var way in new[] { "+notcp", "+tcp", "+noedns", "+bufsize=4096" })
        {
            Assert.Equal("10.117.8.1", await DigAsync("+short", way, $"shop-host.{Domain}", "A"));
            Assert.Equal($"shop-host.{Domain}.", await DigAsync("+short", way, "-x", "10.117.8.1"));
        }

        Assert.Equal("10.117.8.1", await DigAsync("+short", $"SHOP-host.{Domain.ToUpperInvariant()}", "A"));
        var soa = (await DigAsync("+short", Domain, "SOA")).Split(' ');
        Assert.Equal([$"ns.{Domain}.", $"hostmaster.{Domain}."], soa[..2]);
        Assert.Equal($"ns.{Domain}.", await DigAsync("+short", Domain, "NS"));
        Assert.Equal(Farm.Gateway, await DigAsync("+short", $"ns.{Domain}", "A"));
        var answer = await DigAsync($"shop-host.{Domain}", "A");
        Assert.Matches($"""shop-host\.{Domain}\.\s+5\s+IN\s+A\s+10\.117\.8\.1""", answer);
        Assert.Matches("flags: qr aa rd;", answer);
    }

    [Fact]
    public async Task What_is_not_there_is_said_not_to_be_and_for_how_long()
    {
        await RunAsync("shop", "10.117.8.1", "shop-host");
        var none = await DigAsync($"nobody.{Domain}", "A");
        Assert.Contains("status: NXDOMAIN", none, StringComparison.Ordinal);
        Assert.Matches($"""{Domain}\.\s+5\s+IN\s+SOA""", none);
        var noAddress = await DigAsync($"shop-host.{Domain}", "AAAA");
        Assert.Contains("status: NOERROR", noAddress, StringComparison.Ordinal);
        Assert.Contains("ANSWER: 0, AUTHORITY: 1", noAddress, StringComparison.Ordinal);
        Assert.Contains("status: NXDOMAIN", await DigAsync("-x", "10.117.8.77"), StringComparison.Ordinal);
        Assert.Contains("RFC8482", await DigAsync($"shop-host.{Domain}", "ANY", "+notcp"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_somebody_elses_is_refused()
    {
        foreach (var question in new[] { new[] { "example.org", "A" }, ["-x", "192.0.2.1"], [Domain, "AXFR"], [Domain, "TXT", "-c", "CH"] })
        {
            var said = await DigAsync(question);
            Assert.True(said.Contains("status: REFUSED", StringComparison.Ordinal) || said.Contains("Transfer failed", StringComparison.Ordinal), said);
        }
    }

    [Fact]
    public async Task A_name_lives_as_long_as_its_application_whether_or_not_that_runs()
    {
        await RunAsync("asleep", "10.117.8.2", "asleep-host");
        await RunAsync("halted", "10.117.8.3", "halted-host");
        await Farm.VniAsync("snapshot", "asleep");
        await Farm.VniAsync("stop", "halted");
        Assert.Equal("10.117.8.2", await DigAsync("+short", $"asleep-host.{Domain}", "A"));
        Assert.Equal("10.117.8.3", await DigAsync("+short", $"halted-host.{Domain}", "A"));
        await Farm.VniAsync("rm", "--force", "asleep");
        await Eventually.GetAsync("the end of a name", () => DigAsync($"asleep-host.{Domain}", "A"), said => said.Contains("status: NXDOMAIN", StringComparison.Ordinal));
        await RunAsync("heir", "10.117.8.4", "asleep-host");
        await Eventually.GetAsync("the heir's name", () => DigAsync("+short", $"asleep-host.{Domain}", "A"), said => said == "10.117.8.4");
    }

    [Fact]
    public async Task Inside_both_names_of_everyone_lead_to_them_and_all_say_the_same_hostname()
    {
        await RunAsync("asked", "10.117.8.5", "asked-host");
        await RunAsync("other", "10.117.8.6", "other-host");
        foreach (var name in new[] { "asked-host", $"asked-host.{Domain}" }) Assert.StartsWith("10.117.8.5 ", await InsideAsync($"getent ahosts {name}"));
        foreach (var name in new[] { "other-host", $"other-host.{Domain}" })
        {
            Assert.StartsWith("10.117.8.6 ", await InsideAsync($"getent ahosts {name}"));
            Assert.StartsWith("10.117.8.6 ", await InsideAsync($"getent hosts {name}"));
        }

        Assert.Contains($"other-host.{Domain}", await InsideAsync("getent hosts 10.117.8.6"), StringComparison.Ordinal);
        foreach (var way in new[] { "hostname", "uname -n", "cat /proc/sys/kernel/hostname", "cat /etc/hostname", "echo $HOSTNAME", "/usr/bin/python3 -c 'import socket; print(socket.gethostname())'" })
        {
            Assert.Equal("asked-host\n", await InsideAsync(way));
        }

        Assert.Equal($"asked-host.{Domain}\n", await InsideAsync("hostname -f"));
        var init = await InsideAsync("tr '\\0' '\\n' < /proc/2/environ");
        Assert.Contains("HOSTNAME=asked-host\n", init, StringComparison.Ordinal);
        Assert.Equal(2, (await Farm.TryVniAsync("exec", "asked", "--", "getent", "hosts", "nobody")).Status);
    }

    /// <summary>docs/names.md shows this line.</summary>
    [Fact]
    public async Task A_machine_finds_them_with_two_lines_of_resolv_conf()
    {
        await RunAsync("shop", "10.117.8.7", "shop-host");
        var file = Path.Combine(Farm.Directory, "resolv.conf");
        await File.WriteAllTextAsync(file, $"nameserver {Farm.Gateway}\nsearch {Domain}\n");
        foreach (var machine in new[] { Farm.Client, Farm.Node })
        {
            var found = await Shell.RunAsync("unshare", "--mount", "sh", "-c", $"mount --bind {file} /etc/resolv.conf && nsenter --net={machine.Path} getent hosts shop-host && nsenter --net={machine.Path} getent hosts 10.117.8.7");
            Assert.Equal(2, found.Split('\n').Count(line => line.StartsWith("10.117.8.7 ", StringComparison.Ordinal) && line.EndsWith($"shop-host.{Domain}", StringComparison.Ordinal)));
        }
    }

    private async Task RunAsync(string aid, string ip, string hostname)
    {
        await Farm.VniAsync("run", "--name", aid, "--ip", ip, "--hostname", hostname, "--", App("static"));
        await Eventually.GetAsync($"the name of {aid}", () => DigAsync("+short", $"{hostname}.{Domain}", "A"), said => said == ip);
    }

    private Task<string> InsideAsync(string script) => Farm.VniAsync("exec", "asked", "--", "/bin/sh", "-c", script);

    private async Task<string> DigAsync(params string[] question) =>
        (await Farm.Client.TryAsync("dig", ["+tries=1", "+time=5", $"@{Farm.Gateway}", .. question])).Output.Trim();
}
