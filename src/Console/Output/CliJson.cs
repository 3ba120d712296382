using System.Text.Json.Serialization;
using Vni.Actors.Messages;
using Vni.Cli.Playground;

namespace Vni.Cli.Output;

/// <param name="Vni">Version of this program.</param>
/// <param name="Daemon">The daemon's; <c>null</c> when it does not answer.</param>
internal sealed record VersionDocument(string Vni, VersionView? Daemon);

/// <param name="Aid">The application that is no more.</param>
/// <param name="Removed">Always true.</param>
internal sealed record RemovedDocument(string Aid, bool Removed);

/// <param name="Aid">The application.</param>
/// <param name="Lines">Its output, without line ends.</param>
internal sealed record LogDocument(string Aid, IReadOnlyList<string> Lines);

/// <param name="Line">One line of output, without its end.</param>
internal sealed record LogLine(string Line);

/// <param name="Node">The node that was given up.</param>
/// <param name="Down">Always true.</param>
internal sealed record DownDocument(string Node, bool Down);

/// <param name="Certificate">File of the certificate.</param>
/// <param name="Key">File of its key.</param>
/// <param name="Authority">File of the authority's certificate.</param>
internal sealed record CertificateDocument(string Certificate, string Key, string Authority);

/// <param name="Name">The farm.</param>
/// <param name="Removed">Whether there was anything of it.</param>
internal sealed record FarmRemovedDocument(string Name, bool Removed);

/// <param name="File">A file of rules.</param>
/// <param name="Changed">Whether formatting changes it.</param>
internal sealed record FormattedDocument(string File, bool Changed);

/// <param name="File">A file of rules.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
/// <param name="Severity"><c>error</c> or <c>warning</c>.</param>
/// <param name="Message">One sentence.</param>
internal sealed record RuleProblemDocument(string File, int Line, int Column, string Severity, string Message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(VersionDocument))]
[JsonSerializable(typeof(RemovedDocument))]
[JsonSerializable(typeof(IReadOnlyList<RemovedDocument>))]
[JsonSerializable(typeof(LogDocument))]
[JsonSerializable(typeof(LogLine))]
[JsonSerializable(typeof(DownDocument))]
[JsonSerializable(typeof(CertificateDocument))]
[JsonSerializable(typeof(TopDocument))]
[JsonSerializable(typeof(IReadOnlyList<FormattedDocument>))]
[JsonSerializable(typeof(IReadOnlyList<RuleProblemDocument>))]
[JsonSerializable(typeof(FarmDocument))]
[JsonSerializable(typeof(FarmRemovedDocument))]
internal sealed partial class CliJson : JsonSerializerContext;
