using Vni.Cluster.Hosting;
using Vni.Lighthouse;
using Vni.Lighthouse.Configuration;

if (CommandLine.Parse(args, Console.Out, Console.Error, out var usage) is not { } line) return usage;
return await DaemonProgram.RunAsync(
    "lighthouse", "Vni.Lighthouse", () => LighthouseSettings.Load(line.File, line.Values), options => options.Log,
    (options, loggers, log, stop) => Seed.RunAsync(options, TimeProvider.System, loggers, log, stop));
