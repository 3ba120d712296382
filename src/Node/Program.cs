using Vni.Cluster.Hosting;
using Vni.Node.Configuration;
using Vni.Node.Hosting;

if (CommandLine.Parse(args, Console.Out, Console.Error, out var usage) is not { } line) return usage;
return await DaemonProgram.RunAsync(
    "vnid", "Vni.Node", () => NodeOptionsLoader.Load(line.File, line.Values), options => options.Log,
    (options, loggers, log, stop) => Daemon.RunAsync(options, TimeProvider.System, loggers, log, stop));
