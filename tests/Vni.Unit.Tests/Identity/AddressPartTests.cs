using System.Net;
using Vni.Actors;
using Vni.Actors.Identity;
using Xunit;

namespace Vni.Unit.Tests.Identity;

public sealed class AddressPartTests
{
    private static readonly IPAddress Subnet = IPAddress.Parse("10.9.0.0");

    [Fact]
    public void Applications_get_the_part_and_the_rest_belongs_to_others()
    {
        var range = Range("10.9.0.16", "10.9.0.18", gateway: "10.9.0.17");
        Assert.Equal(["10.9.0.16", "10.9.0.18"], range.From(null).Select(a => a.ToString()));
        Assert.Equal(["10.9.0.18", "10.9.0.16"], range.From(IPAddress.Parse("10.9.0.17")).Select(a => a.ToString()));
        Assert.Equal(2, range.Count);
        Assert.Equal("applications get 10.9.0.16 to 10.9.0.18 of the range 10.9.0.0/24, and the rest belongs to others", range.WhyNot(IPAddress.Parse("10.9.0.15")));
        Assert.False(range.Contains(IPAddress.Parse("10.9.0.19")));
        Assert.True(range.Contains(IPAddress.Parse("10.9.0.18")));
    }

    [Fact]
    public void Network_and_broadcast_address_stay_out_of_any_part()
    {
        var range = Range("10.9.0.0", "10.9.0.255", gateway: null);
        Assert.Equal(254, range.Count);
        Assert.Equal(("10.9.0.1", "10.9.0.254"), (range.From(null).First().ToString(), range.From(null).Last().ToString()));
    }

    [Theory]
    [InlineData("10.9.0.9", "10.9.0.8")]
    [InlineData("10.8.0.0", "10.9.0.8")]
    [InlineData("10.9.0.9", "10.9.1.0")]
    public void What_is_no_part_of_the_subnet_is_refused(string first, string last) =>
        Assert.Equal(ErrorCodes.InvalidArgument, Assert.Throws<VniException>(() => Range(first, last, gateway: null)).Code);

    private static AddressRange Range(string first, string last, string? gateway) =>
        new(Subnet, 24, gateway is null ? null : IPAddress.Parse(gateway), (IPAddress.Parse(first), IPAddress.Parse(last)));
}
