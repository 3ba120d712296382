using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Vni.Cluster.Hosting;

/// <summary>A daemon's log: standard error, one line an entry, times in UTC.</summary>
internal static class DaemonLogging
{
    /// <summary>Makes the loggers; disposing them writes out what is queued.</summary>
    internal static ILoggerFactory Create(LogOptions options) => LoggerFactory.Create(logging =>
    {
        // The framework's own information (every request, twice) is for those who look for a defect in it.
        logging.SetMinimumLevel(options.Level)
            .AddFilter("Microsoft", options.Level > LogLevel.Debug ? LogLevel.Warning : options.Level)
            .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        if (options.Format == LogFormat.Json)
        {
            logging.AddJsonConsole(json =>
            {
                json.UseUtcTimestamp = true;
                json.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            });
        }
        else
        {
            logging.AddSimpleConsole(text =>
            {
                text.SingleLine = true;
                text.UseUtcTimestamp = true;
                text.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                text.ColorBehavior = LoggerColorBehavior.Disabled;
            });
        }
    });
}
