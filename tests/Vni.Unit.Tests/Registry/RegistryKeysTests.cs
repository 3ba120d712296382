using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Registry;
using Xunit;

namespace Vni.Unit.Tests.Registry;

public sealed class RegistryKeysTests
{
    [Fact]
    public void Keys_are_those_of_the_table()
    {
        var keys = new RegistryKeys("default");
        var aid = Aid.Parse("web-1");
        Assert.Equal("/vni/default/members/n1", keys.Member("n1"));
        Assert.Equal("/vni/default/applications/web-1", keys.Application(aid));
        Assert.Equal("/vni/default/owners/web-1", keys.Owner(aid));
        Assert.Equal("/vni/default/events/web-1/000000000042", keys.Event(aid, 42));
        Assert.Equal("/vni/default/addresses/10.117.0.5", keys.Address("10.117.0.5"));
        Assert.Equal("/vni/default/hostnames/web", keys.Hostname("web"));
        Assert.Equal("/vni/default/aids/web-1", keys.Aid(aid));
        Assert.Equal("/vni/default/templates/t", keys.Template("t"));
        Assert.Equal("/vni/default/snapshots/web-1.0123456789ab", keys.Snapshot("web-1.0123456789ab"));
        Assert.Equal("/vni/default/leader/scheduler", keys.SchedulerLeader);
    }

    [Fact]
    public void Events_of_one_application_are_not_those_of_another_whose_name_begins_alike()
    {
        var keys = new RegistryKeys("default");
        Assert.DoesNotContain("/web-1", keys.Events(Aid.Parse("web")));
        Assert.False(keys.Event(Aid.Parse("web-1"), 1).StartsWith(keys.Events(Aid.Parse("web")), StringComparison.Ordinal));
        Assert.True(string.CompareOrdinal(keys.Event(Aid.Parse("web"), 9), keys.Event(Aid.Parse("web"), 10)) < 0);
    }

    [Fact]
    public void A_farm_that_is_no_name_is_refused() =>
        Assert.Equal(ErrorCodes.InvalidArgument, Assert.Throws<VniException>(() => new RegistryKeys("a/b")).Code);
}
