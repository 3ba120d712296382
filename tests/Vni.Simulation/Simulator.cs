namespace Vni.Simulation;

/// <param name="Plan">The shortest that fails.</param>
/// <param name="Rule">What is broken.</param>
/// <param name="Trace">What happened, line by line.</param>
internal sealed record Failure(Plan Plan, string Rule, IReadOnlyList<string> Trace)
{
    public override string ToString() =>
        $"schedule {Plan.Seed} (again: scripts/simulate --seed {Plan.Seed}): {Rule}\n{string.Join('\n', Plan.Describe())}\n{string.Join('\n', Trace)}";
}

internal static class Simulator
{
    /// <summary>Runs one schedule; <c>null</c>: nothing is wrong.</summary>
    public static Failure? Run(long seed, Mutation mutation = Mutation.None, bool shrink = true)
    {
        var plan = Plan.Of(seed);
        if (Broken(plan, mutation, null) is null) return null;
        if (shrink) plan = Shrink(plan, mutation);
        var trace = new List<string>();
        var rule = Broken(plan, mutation, trace);
        return new Failure(plan, rule ?? "it is not reproducible", trace);
    }

    /// <summary>Runs schedules until one fails.</summary>
    public static Failure? RunMany(long from, int count, Mutation mutation = Mutation.None, bool shrink = true)
    {
        for (var i = 0; i < count; i++)
        {
            if (Run(from + i, mutation, shrink) is { } failure) return failure;
        }

        return null;
    }

    /// <summary>Runs one; the rule that it breaks, or <c>null</c>. With <paramref name="trace"/> it is told line by line.</summary>
    public static string? Broken(Plan plan, Mutation mutation, List<string>? trace)
    {
        var world = new World(plan, mutation, trace);
        try
        {
            world.Run();
            return null;
        }
        catch (BrokenRuleException broken)
        {
            return broken.Message;
        }
        catch (Exception e)
        {
            return e.ToString();
        }
    }

    /// <summary>Leaves out whatever can be left out.</summary>
    private static Plan Shrink(Plan plan, Mutation mutation)
    {
        var again = true;
        while (again)
        {
            again = false;
            foreach (var smaller in Smaller(plan))
            {
                if (Broken(smaller, mutation, null) is null) continue;
                plan = smaller;
                again = true;
                break;
            }
        }

        return plan;
    }

    private static IEnumerable<Plan> Smaller(Plan plan)
    {
        for (var i = 0; i < plan.Faults.Count; i++) yield return plan with { Faults = [.. plan.Faults.Where((_, at) => at != i)] };
        for (var i = plan.Commands.Count - 1; i >= 0; i--) yield return plan with { Commands = [.. plan.Commands.Where((_, at) => at != i)] };
        if (plan.Drop > 0) yield return plan with { Drop = 0 };
        if (plan.Duplicate > 0) yield return plan with { Duplicate = 0 };
        if (plan.Slow > 0) yield return plan with { Slow = 0 };
        if (plan.RegistryLoss > 0) yield return plan with { RegistryLoss = 0 };
        if (plan.RegistrySlow > 0) yield return plan with { RegistrySlow = 0 };
        if (plan.WorkFails > 0) yield return plan with { WorkFails = 0 };
    }
}
