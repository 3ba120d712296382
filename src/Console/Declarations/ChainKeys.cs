using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Cli.Values;

namespace Vni.Cli.Declarations;

/// <summary>Reads what a process says about its place in the chain: order, restarts, readiness and stopping.</summary>
internal static class ChainKeys
{
    /// <summary>The keys, beside those of <see cref="ApplicationFile"/>.</summary>
    public static readonly string[] Names = ["after", "restart", "ready", "stop-signal", "grace"];

    private static readonly string[] s_restartKeys = ["policy", "delay", "max-delay", "reset", "count"];
    private static readonly string[] s_readyKeys = ["port", "file", "command", "interval", "timeout"];

    /// <summary>The process with what its section says.</summary>
    public static ProcessDeclaration Read(ProcessDeclaration process, Section section, string path, Problems problems) => process with
    {
        After = ReadAfter(section, path, problems),
        Restart = ReadRestart(section, path, problems),
        Ready = section.Item("ready") is { } ready ? ReadReadiness(ready, $"{path}.ready", problems) : null,
        StopSignal = section.Text("stop-signal", text => SignalNames.TryParse(text, out _) ? null : SignalNames.Rule) ?? process.StopSignal,
        GraceSeconds = Seconds(section, "grace"),
    };

    private static IReadOnlyList<string> ReadAfter(Section section, string path, Problems problems)
    {
        switch (section.Item("after"))
        {
            case null:
                return [];
            case YamlText { IsNothing: false } one:
                return [one.Text];
            case YamlList list when list.Items.All(item => item is YamlText { IsNothing: false }):
                return [.. list.Items.OfType<YamlText>().Select(item => item.Text)];
            case var other:
                problems.Add(other, $"{path}.after must be a process's name, or a list of such; found {Section.Describe(other)}");
                return [];
        }
    }

    private static RestartPolicy? ReadRestart(Section section, string path, Problems problems)
    {
        if (section.Item("restart") is not YamlMap map)
            return section.Text("restart", Policy) is { } policy ? new RestartPolicy { Policy = policy } : null;
        if (Section.Of(map, $"{path}.restart", s_restartKeys, problems) is not { } restart) return null;
        var read = new RestartPolicy();
        var delay = Seconds(restart, "delay") ?? read.DelaySeconds;
        return read with
        {
            Policy = restart.Text("policy", Policy) ?? read.Policy,
            DelaySeconds = delay,
            MaxDelaySeconds = Seconds(restart, "max-delay") ?? Math.Max(delay, read.MaxDelaySeconds),
            ResetSeconds = Seconds(restart, "reset") ?? read.ResetSeconds,
            MaxCount = Number(restart, "count"),
        };
    }

    private static ReadinessTest? ReadReadiness(YamlItem item, string path, Problems problems)
    {
        if (Section.Of(item, path, s_readyKeys, problems) is not { } section) return null;
        var read = new ReadinessTest
        {
            Port = Number(section, "port"),
            File = section.Text("file"),
            Command = section.Item("command") is null ? null : ApplicationFile.ReadCommand(section, path, problems),
        };
        return read with { IntervalSeconds = Seconds(section, "interval") ?? read.IntervalSeconds, TimeoutSeconds = Seconds(section, "timeout") ?? read.TimeoutSeconds };
    }

    private static string? Policy(string text) =>
        RestartPolicy.Policies.Contains(text)
            ? null
            : Suggestion.For(text, RestartPolicy.Policies) is { } meant ? $"did you mean '{meant}'?" : $"use {string.Join(", ", RestartPolicy.Policies)}";

    private static double? Seconds(Section section, string key)
    {
        var text = section.Text(key, text => Durations.TryParse(text, out _) ? null : Durations.Rule);
        return text is not null && Durations.TryParse(text, out var seconds) ? seconds : null;
    }

    private static long? Number(Section section, string key)
    {
        var text = section.Text(key, text => long.TryParse(text, out _) ? null : "use a whole number");
        return text is not null && long.TryParse(text, out var number) ? number : null;
    }
}
