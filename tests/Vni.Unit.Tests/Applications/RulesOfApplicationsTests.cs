using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Applications;

/// <summary>Rules are stored as they are written, and evaluated for the instance wherever something is done by them [B8].</summary>
public sealed class RulesOfApplicationsTests : ApplicationTestBase
{
    private const string Rules = "Define <ID> as PROPERTY application-ID\nDefine <N> as PROPERTY node\nREDIR PATH \"/a\" to \"/b/<ID>/<N>\"\nSET ENV \"A\" = \"<ID>\"\n";

    [Fact]
    public async Task Every_start_gets_the_same_rules_wherever_the_application_is_by_then()
    {
        var view = await Node.Service.RunAsync(TestNode.Declare() with { Rules = Rules }, default);
        Assert.Equal(Rules, view.Declaration.Rules);
        await Stop();
        await Node.PutStateAsync((await Node.StateAsync())! with { Origin = "n9" });
        await Node.RestartDaemonAsync();
        await Start();
        Assert.Equal("/b/shop/n9", Assert.Single(Assert.Single(Node.Interposer.Started).Rules.Redirections).Target);
        view = await Node.Service.GetAsync(Shop, default);
        Assert.Equal(("/b/shop/n9", "shop"), (view.Rules!.Redirections[0].Target, view.Rules.Environment["A"]));
        Assert.Null((await Node.Service.ListAsync(default))[0].Rules);
    }

    [Fact]
    public async Task The_first_run_is_the_origin_and_older_records_have_none()
    {
        await Node.Service.RunAsync(TestNode.Declare() with { Rules = Rules }, default);
        Assert.Equal("/b/shop/n1", Assert.Single(Assert.Single(Node.Interposer.Started).Rules.Redirections).Target);
        await Node.PutStateAsync((await Node.StateAsync())! with { Origin = null });
        Assert.Equal("/b/shop/n1", (await Node.Service.GetAsync(Shop, default)).Rules!.Redirections[0].Target);
    }

    [Fact]
    public async Task Rules_that_fail_with_the_values_of_the_instance_leave_nothing()
    {
        var declaration = TestNode.Declare() with { Rules = "Define <H> as PROPERTY hostname\nREDIR PATH \"/a/web\" to \"/b\"\nREDIR PATH \"/a/<H>\" to \"/c\"", Hostname = "web" };
        await RefusedAsync(ErrorCodes.InvalidArgument, () => Node.Service.RunAsync(declaration, default), "rules:3:1: '/a/web' is redirected in line 2 already");
        Assert.Null(await Node.StateAsync());
        Assert.Empty(Node.Interposer.Started);
    }

    [Fact]
    public async Task A_record_whose_rules_mean_nothing_here_can_still_be_looked_at()
    {
        await Run();
        await Node.PutStateAsync((await Node.StateAsync())! with { Declaration = TestNode.Declare() with { Rules = "FUTURE \"rule\"" } });
        Assert.Null((await Node.Service.GetAsync(Shop, default)).Rules);
    }
}
