using Vni.Actors.Applications;
using Xunit;

namespace Vni.Unit.Tests.Applications;

/// <summary>Order, restarts, readiness and stopping, as a declaration may say them.</summary>
public sealed class ChainValidatorTests
{
    private static ProcessDeclaration Process(string name, params string[] after) => new() { Name = name, Command = ["program"], After = after };

    private static string Problems(params ProcessDeclaration[] processes) => string.Join("; ", DeclarationValidator.Problems(new ApplicationDeclaration { Processes = processes }));

    [Fact]
    public void A_chain_with_everything_has_no_problem() => Assert.Empty(Problems(
        Process("app", "db", "cache") with { StopSignal = "SIGINT", GraceSeconds = 0.5, Restart = new RestartPolicy { Policy = RestartPolicy.Always, MaxCount = 0 } },
        Process("db") with { Ready = new ReadinessTest { Port = 5432 }, StopSignal = "34" },
        Process("cache", "db") with { Ready = new ReadinessTest { File = "/run/cache" } },
        Process("last", "app") with { Ready = new ReadinessTest { Command = ["true"] } }));

    [Theory]
    [InlineData("a>b b>a", "no process can be the first of 'a' after 'b' after 'a'")]
    [InlineData("a>a", "no process can be the first of 'a' after 'a'")]
    [InlineData("x>a a>b,c b c>d d>a", "no process can be the first of 'a' after 'c' after 'd' after 'a'")]
    [InlineData("a>dbb db", "process 'a' comes after 'dbb', which is not declared: name one of db")]
    public void Cycles_and_unknown_names_are_named(string chain, string problem) => Assert.Contains(
        problem,
        Problems([.. chain.Split(' ').Select(text => text.Split('>')).Select(parts => Process(parts[0], parts.Length > 1 ? parts[1].Split(',') : []))]),
        StringComparison.Ordinal);

    [Fact]
    public void A_deep_chain_without_a_cycle_is_looked_through_once()
    {
        // Each comes after all before it: 2^63 ways, for who walks them all.
        var names = Enumerable.Range(0, DeclarationValidator.MaxProcesses).Select(i => $"p{i}").ToArray();
        Assert.Empty(Problems([.. names.Select((name, i) => Process(name, names[..i])).Reverse()]));
    }

    [Fact]
    public void Every_value_out_of_range_is_reported_at_once()
    {
        var problems = Problems(Process("a") with
        {
            StopSignal = "TERMINATE",
            GraceSeconds = 3601,
            Restart = new RestartPolicy { Policy = "sometimes", DelaySeconds = 0, MaxDelaySeconds = double.NaN, ResetSeconds = -1, MaxCount = -1 },
            Ready = new ReadinessTest { Port = 70000, File = "run/x", IntervalSeconds = 0, TimeoutSeconds = 99999 },
        });
        foreach (var part in new[]
        {
            "'TERMINATE'", "grace of process 'a' is 3601 s: give 0 to 3600 s", "'sometimes'", "use never, on-failure, always", "restart delay of process 'a' is 0 s",
            "longest restart delay of process 'a' is NaN s", "begins anew is -1 s", "restart count of process 'a' is -1", "has 2 tests", "port 70000", "'run/x'", "interval", "timeout",
        }) Assert.Contains(part, problems, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TERM", 15)]
    [InlineData("SIGKILL", 9)]
    [InlineData("WINCH", 28)]
    [InlineData("64", 64)]
    [InlineData("0", 0)]
    [InlineData("65", 0)]
    [InlineData("term", 0)]
    [InlineData("SIG15", 0)]
    [InlineData("", 0)]
    [InlineData(null, 0)]
    public void Signals_are_read_by_name_and_number(string? text, int signal)
    {
        Assert.Equal(signal > 0, SignalNames.TryParse(text, out var read));
        if (signal > 0) Assert.Equal(signal, read);
    }

    [Theory]
    [InlineData("STOP")]
    [InlineData("18")]
    public void A_signal_that_ends_nothing_is_refused(string signal) => Assert.Contains("ends no program", Problems(Process("a") with { StopSignal = signal }), StringComparison.Ordinal);
}
