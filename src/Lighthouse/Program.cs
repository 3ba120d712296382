using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Vni.Actors;
using Vni.Actors.Registry;
using Vni.Cluster.Hosting;
using Vni.Lighthouse;
using Vni.Lighthouse.Configuration;

if (CommandLine.Parse(args, Console.Out, Console.Error, out var usage) is not { } line) return usage;

LighthouseOptions options;
try
{
    options = LighthouseSettings.Load(line.File, line.Values);
}
catch (ConfigurationException e)
{
    await Console.Error.WriteLineAsync($"lighthouse: {string.Join("\nlighthouse: ", e.Problems)} ({ErrorCodes.InvalidArgument})");
    return e.IsUsage ? CommandLine.UsageStatus : 1;
}

using var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
string refusal;
using (var loggers = DaemonLogging.Create(options.Log))
{
    var log = loggers.CreateLogger("Vni.Lighthouse");
    try
    {
        await Seed.RunAsync(options, TimeProvider.System, loggers, log, stop.Token);
        return 0;
    }
    catch (OperationCanceledException) when (stop.IsCancellationRequested)
    {
        return 0; // Stopped before it was ready.
    }
    catch (VniException e)
    {
        log.CannotStartBecause(e);
        refusal = $"{e.Message} ({e.Code})";
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException or RegistryUnavailableException)
    {
        log.CannotStartBecause(e);
        refusal = $"cannot start: {e.Message.TrimEnd('.')} ({ErrorCodes.NodeIncapable})";
    }
    catch (Exception e)
    {
        log.Defect(e);
        refusal = $"ended by a defect: {e.Message} ({ErrorCodes.Internal})";
    }
}

// After the log is written out, so that the sentence is the last thing to be read.
await Console.Error.WriteLineAsync($"lighthouse: {refusal}");
return 1;

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
