using System.Diagnostics;
using System.Globalization;
using Vni.Simulation;

const string Usage = "simulate [--seed N] [--from N] [--count N] [--mutation NAME] [--trace]";
long? seed = null;
long from = 1;
var count = 100_000;
var mutation = Mutation.None;
var show = false;
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
        case "--trace":
            show = true;
            break;
        default:
            Console.Error.WriteLine($"'{args[i]}' is not understood: {Usage}");
            return 2;
    }
}

if (seed is { } one)
{
    if (show) Console.WriteLine(string.Join('\n', Simulator.Show(one)));
    var found = Simulator.Run(one, mutation);
    Console.WriteLine(found?.ToString() ?? $"schedule {one}: all rules hold");
    return found is null ? 0 : 1;
}

var watch = Stopwatch.StartNew();
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
