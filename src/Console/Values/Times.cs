using System.Globalization;
using Vni.Actors.Interposition;

namespace Vni.Cli.Values;

/// <summary>Points in time and durations as people read them.</summary>
internal static class Times
{
    /// <summary>In the clock's own time zone, to the second: <c>2025-11-22 15:31:02</c>.</summary>
    public static string Format(DateTimeOffset time, TimeProvider clock) =>
        TimeZoneInfo.ConvertTime(time, clock.LocalTimeZone).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>How long ago, in the largest unit that fits: <c>now</c>, <c>12 s</c>, <c>5 min</c>, <c>3 h</c>, <c>9 d</c>.</summary>
    public static string Age(DateTimeOffset time, TimeProvider clock)
    {
        var age = clock.GetUtcNow() - time;
        return age switch
        {
            // The daemon's clock and ours are the same, but a reading may be a moment older than the other.
            { TotalSeconds: < 1 } => "now",
            { TotalMinutes: < 1 } => $"{(int)age.TotalSeconds} s",
            { TotalHours: < 1 } => $"{(int)age.TotalMinutes} min",
            { TotalDays: < 2 } => $"{(int)age.TotalHours} h",
            _ => $"{(int)age.TotalDays} d",
        };
    }

    /// <summary>As <see cref="Age"/>, as part of a sentence: <c>5 min ago</c>.</summary>
    public static string Ago(DateTimeOffset time, TimeProvider clock) => Age(time, clock) is var age && age == "now" ? "just now" : age + " ago";

    /// <summary>As <see cref="Age"/>, for a state that lasts: <c>for 5 min</c>.</summary>
    public static string For(DateTimeOffset since, TimeProvider clock) => Age(since, clock) is var age && age == "now" ? "since just now" : "for " + age;

    /// <summary><c>freeze 0.4 ms, dump 31.2 ms, total 31.6 ms</c>; empty for no phases.</summary>
    public static string Format(IReadOnlyList<Phase> phases)
    {
        if (phases.Count == 0) return "";
        var parts = phases.Select(p => $"{p.Name} {Milliseconds(p.Milliseconds)}");
        if (phases.Count > 1) parts = parts.Append($"total {Milliseconds(phases.Sum(p => p.Milliseconds))}");
        return string.Join(", ", parts);
    }

    /// <summary><c>31.2 ms</c>, <c>1.25 s</c>.</summary>
    public static string Milliseconds(double milliseconds) => milliseconds >= 1000
        ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:0.00} s")
        : string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.0} ms");
}
