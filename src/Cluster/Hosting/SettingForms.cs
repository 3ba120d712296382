using System.Globalization;
using Microsoft.Extensions.Logging;
using Vni.Actors.Identity;

namespace Vni.Cluster.Hosting;

/// <summary>Forms of values that settings of several programs have; each throws <see cref="FormatException"/> saying what is accepted.</summary>
internal static class SettingForms
{
    /// <summary>A path from the root, without <c>..</c> and without a slash at its end.</summary>
    internal static string AbsolutePath(string text) =>
        text.StartsWith('/') && !text.Any(char.IsControl) && !text.Split('/').Contains("..")
            ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(text))
            : throw Bad(text, "an absolute path", "begin with '/' and do not use '..'");

    /// <summary>A whole number within bounds.</summary>
    internal static int Whole(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw Bad(text, "a whole number in range", $"use {least} to {most}");

    /// <summary>A duration in whole seconds.</summary>
    internal static TimeSpan Seconds(string text, int least, int most)
    {
        var (digits, unit) = text.EndsWith('s') ? (text[..^1], 1) : text.EndsWith('m') ? (text[..^1], 60) : (text, 1);
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most && number * unit >= least && number * unit <= most
            ? TimeSpan.FromSeconds(number * unit)
            : throw Bad(text, "a duration in range", $"use whole seconds or minutes, {least}s to {most / 60}m");
    }

    /// <summary>A level of the log.</summary>
    internal static LogLevel Level(string text) => text switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "information" => LogLevel.Information,
        "warning" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => throw Bad(text, "a level", "use trace, debug, information, warning or error"),
    };

    /// <summary>A form of the log.</summary>
    internal static LogFormat Format(string text) => text switch
    {
        "text" => LogFormat.Text,
        "json" => LogFormat.Json,
        _ => throw Bad(text, "a format", "use text or json"),
    };

    /// <summary>The error of a value.</summary>
    internal static FormatException Bad(string text, string what, string rule) => new($"{DnsLabel.Quote(text)} is not {what}: {rule}");
}
