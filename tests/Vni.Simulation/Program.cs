using System.Diagnostics;
using System.Globalization;
using Vni.Simulation;

const string Usage = "simulate [--seed N] [--from N] [--count N] [--mutation NAME] [--all]";
long? seed = null;
long from = 1;
var count = 100_000;
var mutation = Mutation.None;
var all = false;
for (var i = 0; i < args.Length; i++)
{
    var value = i + 1 < args.Length ? args[i + 1] : "";
    switch (args[i])
    {
        case "--seed" when long.TryParse(value, CultureInfo.InvariantCulture, out var number):
            (seed, i) = (number, i + 1);
            break;
        case "--from" when long.TryParse(value, CultureInfo.InvariantCulture, out from):
        case "--count" when int.TryParse(value, CultureInfo.InvariantCulture, out count):
        case "--mutation" when Enum.TryParse(value, ignoreCase: true, out mutation):
            i++;
            break;
        case "--all":
            all = true;
            break;
        default:
            Console.Error.WriteLine($"'{args[i]}' is not understood: {Usage}");
            return 2;
    }
}

if (seed is { } one)
{
    var found = Simulator.Run(one, mutation);
    Console.WriteLine(found?.ToString() ?? $"schedule {one}: all rules hold");
    return found is null ? 0 : 1;
}

var watch = Stopwatch.StartNew();
if (all) return Summary();
for (var i = 0; i < count; i++)
{
    if (Simulator.Run(from + i, mutation) is { } failure)
    {
        Console.WriteLine(failure);
        Console.WriteLine($"after {i + 1} schedules");
        return 1;
    }
}

Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} schedules from {from}: all rules hold; {count / watch.Elapsed.TotalSeconds:F0} schedules per second"));
return 0;

int Summary()
{
    var kinds = new Dictionary<string, (long Seed, int Count)>();
    for (var i = 0; i < count; i++)
    {
        if (Simulator.Run(from + i, mutation, shrink: false) is not { } failure) continue;
        var kind = string.Concat(failure.Rule.Split('\n')[0].Where(c => !char.IsDigit(c) && c is < 'A' or > 'G'));
        kinds[kind] = kinds.TryGetValue(kind, out var known) ? (known.Seed, known.Count + 1) : (from + i, 1);
    }

    foreach (var (kind, (first, times)) in kinds.OrderByDescending(pair => pair.Value.Count)) Console.WriteLine($"{times,6} times, first in {first}: {kind}");
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} schedules from {from}; {count / watch.Elapsed.TotalSeconds:F0} per second"));
    return kinds.Count == 0 ? 0 : 1;
}
