using System.Text.Json.Serialization;

namespace Vni.Node.Exec;

/// <summary>The sub-protocol of visitors, <c>vni.exec.v1</c>; <c>docs/api.md</c> describes it.</summary>
internal static class ExecFrames
{
    internal const string Protocol = "vni.exec.v1";

    /// <summary>First byte of a binary frame from the client: the rest is standard input; no rest: end of file.</summary>
    internal const byte Input = 0;

    /// <summary>First byte of a binary frame to the client: the rest is standard output.</summary>
    internal const byte Output = 1;

    /// <summary>First byte of a binary frame to the client: the rest is standard error.</summary>
    internal const byte Error = 2;
}

/// <summary>A text frame from the client.</summary>
/// <param name="Resize">New size of the terminal.</param>
/// <param name="Signal">Signal to send, 1 to 64.</param>
internal sealed record ExecControl(ExecSize? Resize = null, int? Signal = null);

/// <param name="Columns">1 to 10,000.</param>
/// <param name="Rows">1 to 10,000.</param>
internal sealed record ExecSize(int Columns, int Rows);

/// <summary>The last frame to the client, text.</summary>
/// <param name="Exit">Exit status.</param>
internal sealed record ExecExit(int Exit);

/// <summary>JSON of the text frames.</summary>
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ExecControl))]
[JsonSerializable(typeof(ExecExit))]
internal sealed partial class ExecJson : JsonSerializerContext;
