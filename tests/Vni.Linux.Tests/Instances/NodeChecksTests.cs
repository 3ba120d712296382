using Vni.Interposer.Instances;
using Xunit;

namespace Vni.Linux.Tests.Instances;

public sealed class NodeChecksTests
{
    [Fact]
    public async Task This_machine_has_what_is_required_and_every_other_lack_has_a_remedy()
    {
        await using var node = new TestNode();
        var checks = await new NodeChecks(new NodeProbe(node.Options, node.Spawner, node.Loop)).CheckAsync(node.Limit);
        Assert.All(checks.Where(c => c.Required), c => Assert.True(c.Ok, $"{c.Name}: {c.Found}"));
        Assert.All(checks, c => Assert.Equal(c.Ok, c.Remedy is null));
        Assert.Contains(checks, c => c.Name == "CRIU" && c.Found.StartsWith("version 4.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_criu_that_does_not_exist_is_found_out()
    {
        await using var node = new TestNode();
        var options = node.Options with { CriuPath = "/no/such/criu" };
        var checks = await new NodeChecks(new NodeProbe(options, node.Spawner, node.Loop)).CheckAsync(node.Limit);
        Assert.Equal(["CRIU", "CRIU on this kernel"], checks.Where(c => c is { Required: true, Ok: false }).Select(c => c.Name));
    }
}
