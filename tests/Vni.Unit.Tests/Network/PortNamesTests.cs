using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Xunit;

namespace Vni.Unit.Tests.Network;

/// <summary>Names, announcements and sentences.</summary>
public sealed class PortNamesTests
{
    [Fact]
    public void Names_fit_an_interface_and_differ_by_application_and_bridge()
    {
        var (names, other) = (new PortNames("vni0"), new PortNames("vni1"));
        var (first, second) = (Aid.Parse(new string('a', 63)), Aid.Parse(new string('a', 62) + "b"));
        string[] all = [names.Veth(first), names.Tap(first), names.Veth(second), other.Veth(first)];
        Assert.Equal(4, all.Distinct().Count());
        Assert.All(all, name => Assert.InRange(name.Length, 1, 15));
        Assert.Equal(names.Veth(first), new PortNames("vni0").Veth(first));
    }

    [Fact]
    public void The_alias_leads_back_to_the_application_of_this_bridge_only()
    {
        var names = new PortNames("vni0");
        var aid = Aid.Parse("web");
        Assert.Equal("web", names.AidOf(names.Alias(aid)));
        Assert.Null(names.AidOf(new PortNames("vni01").Alias(aid)));
        Assert.Null(names.AidOf("somebody else's"));
        Assert.Null(names.AidOf(null));
    }

    [Fact]
    public void An_announcement_is_a_broadcast_arp_request_for_the_own_address()
    {
        var frame = new PortAddress(new VirtualIdentity("10.217.0.5", 24, "02:00:0a:d9:00:05", "web")).Announcement();
        Assert.Equal("ffffffffffff02000ad90005" + "0806" + "0001080006040001" + "02000ad900050ad90005" + "0000000000000ad90005", Convert.ToHexStringLower(frame));
    }

    [Fact]
    public void An_ipv6_address_is_announced_to_all_nodes_by_an_advertisement_that_overrides()
    {
        var frames = new PortAddress(new VirtualIdentity("10.217.0.5", 24, "02:00:0a:d9:00:05", "web") { Ip6 = "fd00:217::5", PrefixLength6 = 64 }).Announcements();
        Assert.Equal(2, frames.Count);
        const string own = "fd000217000000000000000000000005", allNodes = "ff020000000000000000000000000001";
        Assert.Equal(
            "333300000001" + "02000ad90005" + "86dd" + "6000000000203aff" + own + allNodes + "8800" + "4b88" + "20000000" + own + "0201" + "02000ad90005",
            Convert.ToHexStringLower(frames[1]));
    }

    [Theory]
    [InlineData(Libc.EPERM, "RTM_NEWLINK", "vni0", ErrorCodes.NodeIncapable, "run the daemon as root")]
    [InlineData(Libc.ENOTSUP, "RTM_NEWLINK", "vni0", ErrorCodes.NodeIncapable, "modprobe")]
    [InlineData(Libc.ENOENT, "open", "/dev/net/tun", ErrorCodes.NodeIncapable, "modprobe")]
    [InlineData(Libc.ENOENT, "open", "/proc/7/ns/net", ErrorCodes.Internal, "the process has ended")]
    [InlineData(Libc.EBUSY, "ioctl TUNSETIFF", "vt0", ErrorCodes.Internal, "ioctl TUNSETIFF 'vt0': EBUSY")]
    public void A_refusal_says_what_to_do(int errno, string call, string subject, string code, string says)
    {
        var failure = Assert.Throws<VniException>(() => NetworkFailure.Explain("it could not be done", () => throw new LinuxException(errno, call, subject)));
        Assert.Equal(code, failure.Code);
        Assert.StartsWith("it could not be done: ", failure.Message);
        Assert.Contains(says, failure.Message);
    }
}
