using Microsoft.Extensions.Logging;

namespace Vni.Cluster.Hosting;

/// <summary>What is logged, and how.</summary>
public sealed record LogOptions
{
    /// <summary>Least severe level that is written.</summary>
    /// <value>Default <c>information</c>; also <c>trace</c>, <c>debug</c>, <c>warning</c>, <c>error</c>.</value>
    public LogLevel Level { get; init; } = LogLevel.Information;

    /// <summary>Form of a line on standard error.</summary>
    /// <value>Default <c>text</c>; also <c>json</c>.</value>
    public LogFormat Format { get; init; } = LogFormat.Text;
}

/// <summary>Form of a line of the log.</summary>
public enum LogFormat
{
    /// <summary>For people.</summary>
    Text,

    /// <summary>One JSON object, for collectors.</summary>
    Json,
}
