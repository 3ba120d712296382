using System.Net;
using Vni.Interposer;
using Vni.Interposer.Instances;
using Xunit;

namespace Vni.Unit.Tests.Instances;

public sealed class ResolverFileTests
{
    private static readonly InstanceNames s_none = new() { Domain = "lab" };

    [Theory]
    [InlineData("nameserver 10.0.0.1\n", "nameserver 10.0.0.1\nsearch lab\n")]
    [InlineData("nameserver 127.0.0.53\noptions edns0\n", "search lab\noptions edns0\n")]
    [InlineData("nameserver ::1\nnameserver\t127.0.0.1 \nnameserver 9.9.9.9", "nameserver 9.9.9.9\nsearch lab\n")]
    [InlineData("nameserver fe80::1%eth0\n# nameserver 127.0.0.1\n", "nameserver fe80::1%eth0\nsearch lab\n# nameserver 127.0.0.1\n")]
    [InlineData("search a b\ndomain c\nsearch d e\n", "search lab d e\n")]
    [InlineData("domain lab\n", "search lab\n")]
    [InlineData("search a b c d e f g\n", "search lab a b c d e\n")]
    [InlineData("nameserver\nsearch\n", "search lab\n")]
    [InlineData("", "search lab\n")]
    [InlineData(null, "search lab\n")]
    public void Name_servers_that_an_instance_cannot_reach_are_left_out_and_its_domain_comes_first(string? node, string instance) =>
        Assert.Equal(instance, ResolverFile.For(s_none, node));

    [Fact]
    public void The_farms_servers_come_before_the_nodes_and_three_are_enough()
    {
        var names = s_none with { Servers = [IPAddress.Parse("10.117.0.1"), IPAddress.Parse("10.117.0.2")] };
        Assert.Equal("nameserver 10.117.0.1\nnameserver 10.117.0.2\nnameserver 9.9.9.9\nsearch lab\n", ResolverFile.For(names, "nameserver 10.117.0.2\nnameserver 9.9.9.9\nnameserver 8.8.8.8\n"));
    }

    [Fact]
    public void The_nodes_servers_are_left_out_where_the_farms_know_everything() =>
        Assert.Equal("nameserver 10.117.0.1\nsearch lab example\n", ResolverFile.For(s_none with { Servers = [IPAddress.Parse("10.117.0.1")], NodesToo = false }, "nameserver 9.9.9.9\nsearch example\n"));
}
