using System.Text.Json;
using System.Text.Json.Serialization;
using Vni.Actors.Messages;

namespace Vni.Actors.Messaging;

/// <summary>
/// A question between nodes, or the header of a stream, as it is on the wire (<c>docs/messaging.md</c>). No member is required by
/// the parser: what is missing is refused by <see cref="PeerDispatcher"/>, in the order that makes the best sentence.
/// </summary>
public sealed record PeerEnvelope
{
    /// <summary>The format that this version writes, and the newest that it reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Version of the envelope; members that a newer one adds without changing it are skipped.</summary>
    public int Format { get; init; }

    /// <summary>Names the command; see <see cref="CommandId"/>.</summary>
    public string Id { get; init; } = "";

    /// <summary>The farm of both.</summary>
    public string Farm { get; init; } = "";

    /// <summary>The asking node.</summary>
    public string From { get; init; } = "";

    /// <summary>The node that is asked.</summary>
    public string To { get; init; } = "";

    /// <summary>What is asked.</summary>
    public string Kind { get; init; } = "";

    /// <summary>When, by the sender's clock.</summary>
    public DateTimeOffset Sent { get; init; }

    /// <summary>The question, of the kind's type.</summary>
    public JsonElement Body { get; init; }
}

/// <summary>The answer: a body of the kind's type, or an error.</summary>
public sealed record PeerReply
{
    /// <summary>Version of the envelope.</summary>
    public int Format { get; init; }

    /// <summary>The answer; <c>null</c> where there is an error.</summary>
    public JsonElement? Body { get; init; }

    /// <summary>Why there is none; else <c>null</c>.</summary>
    public ErrorBody? Error { get; init; }
}

/// <summary>JSON of envelopes.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PeerEnvelope))]
[JsonSerializable(typeof(PeerReply))]
public sealed partial class PeerJson : JsonSerializerContext;

/// <summary>Names of commands.</summary>
public static class CommandId
{
    /// <summary>What is accepted, as the second half of a sentence.</summary>
    public const string Rule = "use 1 to 64 letters, digits and hyphens";

    /// <summary>One that nobody else has.</summary>
    public static string New() => Guid.NewGuid().ToString("N");

    /// <summary>Whether it is well-formed.</summary>
    public static bool IsValid(string? id)
    {
        if (id is not { Length: >= 1 and <= 64 }) return false;
        foreach (var c in id)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '-') return false;
        }

        return true;
    }
}
