using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Vni.Cli.Output;

/// <summary>Documents for programs, in UTF-8.</summary>
internal static class JsonOutput
{
    // Control characters stay escaped; what HTML would need escaped is none of our business.
    private static readonly JsonWriterOptions s_document = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonWriterOptions s_line = s_document with { Indented = false };

    /// <summary>One document over several lines.</summary>
    public static void Document<T>(Stream stream, T value, JsonTypeInfo<T> type) => Write(stream, value, type, s_document);

    /// <summary>One document on one line: an item of NDJSON.</summary>
    public static void Line<T>(Stream stream, T value, JsonTypeInfo<T> type) => Write(stream, value, type, s_line);

    private static void Write<T>(Stream stream, T value, JsonTypeInfo<T> type, JsonWriterOptions options)
    {
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text, options)) JsonSerializer.Serialize(writer, value, type);
        text.WriteByte((byte)'\n');
        stream.Write(text.GetBuffer().AsSpan(0, (int)text.Length));
    }
}
