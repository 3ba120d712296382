using System.Text.Json.Serialization;

namespace Vni.Client.Exec;

/// <summary>A text frame of <c>vni.exec.v1</c>; exactly one member is set.</summary>
internal sealed record ExecControl
{
    /// <summary>To the daemon: the terminal has a new size.</summary>
    public ExecSize? Resize { get; init; }

    /// <summary>To the daemon: send this signal (signal(7)) to the program.</summary>
    public int? Signal { get; init; }

    /// <summary>From the daemon, last: the program's exit status, or 128 and the number of the signal that ended it.</summary>
    public int? Exit { get; init; }
}

internal sealed record ExecSize(int Columns, int Rows);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ExecControl))]
internal sealed partial class ExecJson : JsonSerializerContext;
