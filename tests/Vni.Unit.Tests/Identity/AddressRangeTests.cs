using System.Net;
using Vni.Actors;
using Vni.Actors.Identity;
using Xunit;

namespace Vni.Unit.Tests.Identity;

public sealed class AddressRangeTests
{
    private static readonly AddressRange Range = new(IPAddress.Parse("10.0.0.0"), 29, IPAddress.Parse("10.0.0.3"));

    [Fact]
    public void Network_broadcast_and_gateway_are_reserved()
    {
        Assert.Equal(5, Range.Count);
        Assert.Equal(["10.0.0.1", "10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6"], Range.From(null).Select(a => a.ToString()));
        Assert.Contains("network address", Range.WhyNot(IPAddress.Parse("10.0.0.0")));
        Assert.Contains("broadcast", Range.WhyNot(IPAddress.Parse("10.0.0.7")));
        Assert.Contains("node's own", Range.WhyNot(IPAddress.Parse("10.0.0.3")));
        Assert.Contains("outside", Range.WhyNot(IPAddress.Parse("10.0.0.8")));
        Assert.True(Range.Contains(IPAddress.Parse("10.0.0.4")));
    }

    [Theory]
    [InlineData("10.0.0.4", "4 5 6 1 2")]
    [InlineData("10.0.0.3", "4 5 6 1 2")]
    [InlineData("10.0.0.7", "1 2 4 5 6")]
    [InlineData("10.0.0.0", "1 2 4 5 6")]
    [InlineData("192.168.0.1", "1 2 4 5 6")]
    public void Enumeration_starts_at_the_cursor_and_goes_around(string cursor, string expected) =>
        Assert.Equal(expected, string.Join(' ', Range.From(IPAddress.Parse(cursor)).Select(a => a.ToString().Split('.')[3])));

    [Fact]
    public void Without_a_gateway_all_but_two_are_usable() => Assert.Equal(2, new AddressRange(IPAddress.Parse("10.0.0.4"), 30, null).Count);

    [Fact]
    public void The_greatest_address_does_not_overflow() =>
        Assert.Equal(2, new AddressRange(IPAddress.Parse("255.255.255.252"), 30, null).From(IPAddress.Parse("255.255.255.255")).Count());

    [Theory]
    [InlineData("10.0.0.1", 24, null)]
    [InlineData("10.0.0.0", 31, null)]
    [InlineData("10.0.0.0", 7, null)]
    [InlineData("fd00::", 24, null)]
    [InlineData("10.0.0.0", 24, "10.0.1.1")]
    [InlineData("10.0.0.0", 24, "10.0.0.0")]
    [InlineData("10.0.0.0", 24, "10.0.0.255")]
    public void What_is_no_subnet_is_refused(string subnet, int bits, string? gateway)
    {
        var e = Assert.Throws<VniException>(() => new AddressRange(IPAddress.Parse(subnet), bits, gateway is null ? null : IPAddress.Parse(gateway)));
        Assert.Equal(ErrorCodes.InvalidArgument, e.Code);
    }

    [Theory]
    [InlineData("/usr/bin/redis-server", "redis-server-")]
    [InlineData("python3.11", "python3-11-")]
    [InlineData("./My App!!", "my-app-")]
    [InlineData("/", "app-")]
    [InlineData("/opt/dir/", "dir-")]
    [InlineData("__", "app-")]
    public void A_generated_name_is_the_program_and_four_digits(string program, string stem)
    {
        var aid = AidGenerator.Next(program, new Random(1)).Value;
        Assert.StartsWith(stem, aid);
        Assert.Equal(stem.Length + 4, aid.Length);
    }

    [Fact]
    public void A_generated_name_of_a_long_program_is_a_label() => Assert.Equal(63, AidGenerator.Next(new string('x', 200), new Random(1)).Value.Length);
}
