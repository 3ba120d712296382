using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vni.Load;

/// <param name="PerSecond">Calls that ended, over all callers.</param>
/// <param name="MedianMs">Of one call.</param>
/// <param name="P99Ms">Of one call.</param>
internal sealed record Rate(double PerSecond, double MedianMs, double P99Ms);

/// <param name="Milliseconds">From the beginning to the answer.</param>
internal sealed record Took(double Milliseconds);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(Rate))]
[JsonSerializable(typeof(Took))]
internal sealed partial class LoadJson : JsonSerializerContext;

/// <summary>Several callers, each of which calls again as soon as it has its answer.</summary>
internal static class Callers
{
    /// <summary>Long enough for the code that is called to have been compiled to its end.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);

    /// <summary>Calls for a while to get warm, then for so many seconds, and prints how often that went.</summary>
    public static async Task MeasureAsync(Arguments given, Func<int, Task> call)
    {
        var callers = given.Number("callers");
        await RunAsync(callers, WarmUp, call);
        var length = TimeSpan.FromSeconds(given.Number("seconds"));
        var times = await RunAsync(callers, length, call);
        times.Sort();
        var rate = new Rate(times.Count / length.TotalSeconds, times[times.Count / 2], times[times.Count * 99 / 100]);
        Console.WriteLine(JsonSerializer.Serialize(rate, LoadJson.Default.Rate));
    }

    /// <summary>Milliseconds of each call that ended in time.</summary>
    private static async Task<List<double>> RunAsync(int callers, TimeSpan length, Func<int, Task> call)
    {
        var start = Stopwatch.GetTimestamp();
        var times = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var own = new List<double>();
            while (true)
            {
                var began = Stopwatch.GetTimestamp();
                await call(caller);
                if (Stopwatch.GetElapsedTime(start) > length) return own;
                own.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
        })));
        return [.. times.SelectMany(own => own)];
    }
}
