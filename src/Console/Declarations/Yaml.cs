using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Vni.Cli.Declarations;

/// <summary>A value of a YAML document, with where it stands: line and column from 1.</summary>
internal abstract record YamlItem(long Line, long Column);

/// <param name="Text">As written; numbers and truth values are texts here, so nothing is rounded or respelled.</param>
/// <param name="IsNothing">Whether there is no value: empty, <c>~</c> or <c>null</c>, unquoted.</param>
internal sealed record YamlText(string Text, bool IsNothing, long Line, long Column) : YamlItem(Line, Column);

internal sealed record YamlList(IReadOnlyList<YamlItem> Items, long Line, long Column) : YamlItem(Line, Column);

/// <param name="Entries">In order, duplicates included.</param>
internal sealed record YamlMap(IReadOnlyList<KeyValuePair<YamlText, YamlItem>> Entries, long Line, long Column) : YamlItem(Line, Column);

/// <summary>
/// Builds the tree of a document from the parser's events (YAML 1.2.2, chapter 3). YamlDotNet's own tree stops at the first
/// duplicate key, and its mapping to objects needs reflection. Anchors, aliases and tags are refused: a declaration has no
/// use for them, and an alias can make a small file huge.
/// </summary>
internal sealed class YamlTree(Problems problems)
{
    // A declaration is four levels deep.
    private const int DeepestLevel = 16;

    private Mark _last = new(0, 1, 1);

    /// <summary>The one document; <c>null</c> when there is none, or the text is no YAML, which is a problem then.</summary>
    public YamlItem? Read(string text)
    {
        var parser = new Parser(new StringReader(text));
        try
        {
            parser.Consume<StreamStart>();
            if (!parser.TryConsume<DocumentStart>(out _)) return null;
            var root = ReadItem(parser, 0);
            parser.Consume<DocumentEnd>();
            if (parser.TryConsume<DocumentStart>(out var second)) problems.Add(second.Start.Line, second.Start.Column, "a second document begins here; a declaration is one");
            return root;
        }
        catch (YamlException e)
        {
            var (line, column) = TabOf(text, e) ?? (Math.Max(1, e.Start.Line), Math.Max(1, e.Start.Column));
            problems.Add(line, column, $"this is not YAML: {Sentence(e)}");
            return null;
        }
        catch (InvalidOperationException)
        {
            // YamlDotNet's parser loses its way in some brackets that are never closed, and cannot say where they began.
            problems.Add(_last.Line, _last.Column, "this is not YAML: a bracket or brace that opens here or before is not closed");
            return null;
        }
    }

    // The parser gives the place of the mapping around a tab, which may be far above it.
    private static (long Line, long Column)? TabOf(string text, YamlException e)
    {
        if (!e.Message.Contains("tab as indentation", StringComparison.Ordinal)) return null;
        var lines = text.Split('\n');
        for (var i = Math.Max(0, (int)e.Start.Line - 1); i < lines.Length; i++)
        {
            var indentation = lines[i].AsSpan()[..^lines[i].AsSpan().TrimStart().Length];
            if (indentation.IndexOf('\t') is var tab and >= 0) return (i + 1, tab + 1);
        }

        return null;
    }

    private YamlItem ReadItem(Parser parser, int level)
    {
        // Not Current: before the first item of a collection it is only looked for now.
        parser.Accept<ParsingEvent>(out var next);
        var at = _last = next!.Start;
        if (parser.TryConsume<AnchorAlias>(out var alias))
        {
            problems.Add(at.Line, at.Column, $"aliases (*{alias.Value}) are not supported; write the value itself");
            return new YamlText("", IsNothing: true, at.Line, at.Column);
        }

        if (parser.Current is NodeEvent { Anchor.IsEmpty: false }) problems.Add(at.Line, at.Column, "anchors (&) are not supported; leave it out");
        if (parser.Current is NodeEvent { Tag.IsEmpty: false }) problems.Add(at.Line, at.Column, "tags (!) are not supported; leave it out");
        if (level > DeepestLevel)
        {
            problems.Add(at.Line, at.Column, "this is nested too deeply for a declaration");
            parser.SkipThisAndNestedEvents();
            return new YamlText("", IsNothing: true, at.Line, at.Column);
        }

        if (parser.TryConsume<Scalar>(out var scalar)) return Text(scalar);
        if (parser.TryConsume<SequenceStart>(out _))
        {
            var items = new List<YamlItem>();
            while (!parser.TryConsume<SequenceEnd>(out _)) items.Add(ReadItem(parser, level + 1));
            return new YamlList(items, at.Line, at.Column);
        }

        parser.Consume<MappingStart>();
        var entries = new List<KeyValuePair<YamlText, YamlItem>>();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var key = ReadItem(parser, level + 1);
            var value = ReadItem(parser, level + 1);
            if (key is YamlText name) entries.Add(new(name, value));
            else problems.Add(key.Line, key.Column, "a key must be a single word");
        }

        return new YamlMap(entries, at.Line, at.Column);
    }

    private static YamlText Text(Scalar scalar) =>
        new(scalar.Value, scalar.Style == ScalarStyle.Plain && scalar.Value is "" or "~" or "null" or "Null" or "NULL", scalar.Start.Line, scalar.Start.Column);

    // Its own text ends with a full stop, and for some errors repeats the position in front.
    private static string Sentence(YamlException e)
    {
        var message = e.Message;
        if (message.StartsWith('(') && message.IndexOf("): ", StringComparison.Ordinal) is var end and > 0) message = message[(end + 3)..];
        message = message.TrimEnd('.');
        return message.Length > 1 ? char.ToLowerInvariant(message[0]) + message[1..] : "the parser cannot say why";
    }
}
