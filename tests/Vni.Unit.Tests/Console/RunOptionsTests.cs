using Vni.Actors.Applications;
using Vni.Cli.Declarations;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class RunOptionsTests
{
    private static readonly ApplicationDeclaration s_declared = new()
    {
        Name = "shop",
        Ip = "10.117.0.5",
        Ip6 = "none",
        Hostname = "shop",
        Root = "/srv",
        Limits = new ResourceLimits { Memory = 1 << 20, Cpus = 1 },
        Processes =
        [
            new ProcessDeclaration { Name = "a", Command = ["a"], Env = new Dictionary<string, string> { ["X"] = "1", ["Y"] = "2" }, User = "u", Workdir = "/w" },
            new ProcessDeclaration { Name = "b", Command = ["b"] },
        ],
    };

    [Fact]
    public void Options_that_are_not_given_change_nothing() =>
        Assert.Equivalent(s_declared, new RunOptions().Over(s_declared), strict: true);

    [Fact]
    public void Options_override_the_declaration_and_reach_every_process()
    {
        var options = new RunOptions
        {
            Name = "n", Ip = "10.117.0.9", Ip6 = "fd00::9", Hostname = "h", Root = "/r", Memory = 2 << 20, Cpus = 2,
            Env = new Dictionary<string, string> { ["X"] = "9" }, User = "v", Workdir = "/x",
        };
        var result = options.Over(s_declared);
        Assert.Equal(("n", "10.117.0.9", "fd00::9", "h", "/r"), (result.Name, result.Ip, result.Ip6, result.Hostname, result.Root));
        Assert.Equal((2L << 20, 2.0), (result.Limits.Memory, result.Limits.Cpus));
        Assert.Equal(new Dictionary<string, string> { ["X"] = "9", ["Y"] = "2" }, result.Processes[0].Env);
        Assert.Equal(new Dictionary<string, string> { ["X"] = "9" }, result.Processes[1].Env);
        Assert.All(result.Processes, p => Assert.Equal(("v", "/x"), (p.User, p.Workdir)));
    }
}
