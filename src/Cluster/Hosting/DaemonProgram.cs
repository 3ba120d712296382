using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Vni.Actors;
using Vni.Actors.Registry;

namespace Vni.Cluster.Hosting;

/// <summary>The outermost life of a daemon: configuration, signals, log, and one sentence on standard error when it cannot go on.</summary>
internal static partial class DaemonProgram
{
    /// <summary>Runs a daemon until SIGTERM, SIGINT, or its own end.</summary>
    /// <param name="name">The program's name, with which its sentences begin.</param>
    /// <param name="category">Of its own log entries.</param>
    /// <param name="load">Reads the configuration.</param>
    /// <param name="logging">How it logs.</param>
    /// <param name="run">The daemon.</param>
    /// <returns>Exit status: 0, 1 for a failure, or that of a usage error.</returns>
    internal static async Task<int> RunAsync<TOptions>(
        string name, string category, Func<TOptions> load, Func<TOptions, LogOptions> logging, Func<TOptions, ILoggerFactory, ILogger, CancellationToken, Task> run)
    {
        TOptions options;
        try
        {
            options = load();
        }
        catch (ConfigurationException e)
        {
            await Console.Error.WriteLineAsync($"{name}: {string.Join($"\n{name}: ", e.Problems)} ({ErrorCodes.InvalidArgument})");
            return e.IsUsage ? DaemonCommandLine.UsageStatus : 1;
        }

        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        string refusal;
        using (var loggers = DaemonLogging.Create(logging(options)))
        {
            var log = loggers.CreateLogger(category);
            try
            {
                await run(options, loggers, log, stop.Token);
                return 0;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return 0; // Stopped before it was ready.
            }
            catch (VniException e)
            {
                CannotStartBecause(log, e);
                refusal = $"{e.Message} ({e.Code})";
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or RegistryUnavailableException)
            {
                CannotStartBecause(log, e);
                refusal = $"cannot start: {e.Message.TrimEnd('.')} ({ErrorCodes.NodeIncapable})";
            }
            catch (Exception e)
            {
                Defect(log, e);
                refusal = $"ended by a defect: {e.Message} ({ErrorCodes.Internal})";
            }
        }

        // After the log is written out, so that the sentence is the last thing to be read.
        await Console.Error.WriteLineAsync($"{name}: {refusal}");
        return 1;

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    [LoggerMessage(600, LogLevel.Debug, "Why the daemon cannot start or go on")]
    private static partial void CannotStartBecause(ILogger log, Exception exception);

    [LoggerMessage(601, LogLevel.Critical, "The daemon met a defect")]
    private static partial void Defect(ILogger log, Exception exception);
}
