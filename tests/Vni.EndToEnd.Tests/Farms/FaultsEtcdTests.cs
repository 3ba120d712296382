using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>The same with a registry of three members of etcd, of which one dies.</summary>
public sealed class FaultsEtcdTests
{
    [FaultsEtcdFact]
    public async Task Migrations_with_etcd_of_which_a_member_dies()
    {
        await using var farm = await FarmUp.MakeAsync("--etcd");
        await using var trial = await FaultsCase.BeginAsync(farm, ("n2", "stop@handoff:target:commit"));
        trial.Migrate();
        var daemon = await trial.AwaitStopAsync("n2");
        await farm.FarmAsync("kill", "etcd1");
        await FaultsCase.ContinueAsync(daemon);
        await trial.EndsWellAsync();
        await farm.FarmAsync("restart", "etcd1");
        await farm.FarmAsync("kill", "etcd2", "--daemon-only");
        // It has gone on to n1 or n3. While etcd elects a leader, a command is refused and nothing has happened.
        await Eventually.GetAsync(
            "migration with one member less",
            () => farm.TryVniAsync("n3", "migrate", FaultsCase.Aid, farm.IdentityOf("n2")),
            moved => moved.Status == 0 || moved.Error.Contains("already", StringComparison.Ordinal));
        await farm.AssertAsync(FaultsCase.Aid, "running", "n2");
        await farm.RemoveAllAsync();
        await farm.AssertNothingLeftAsync();
    }
}
