using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Vni.Cluster.Hosting;

/// <summary>Reads a configuration (YAML 1.2) into values with their positions; <c>docs/configuration.md</c> lists the keys.</summary>
internal static class ConfigurationFile
{
    /// <summary>Adds what stands in a file to <paramref name="values"/>, and what is wrong with it to <paramref name="problems"/>.</summary>
    internal static void Read<TOptions>(SettingTable<TOptions> table, string file, List<SettingValue> values, List<string> problems)
    {
        try
        {
            using var reader = new StreamReader(file, new UTF8Encoding(false, throwOnInvalidBytes: true));
            Read(table, file, reader, values, problems);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{file}: cannot be read: {e.Message}");
        }
        catch (DecoderFallbackException)
        {
            problems.Add($"{file}: is not text in UTF-8");
        }
    }

    /// <summary>Adds what stands in the text to <paramref name="values"/>, and every unknown key and wrong type to
    /// <paramref name="problems"/>.</summary>
    internal static void Read<TOptions>(SettingTable<TOptions> table, string name, TextReader text, List<SettingValue> values, List<string> problems)
    {
        var yaml = new YamlStream();
        try
        {
            yaml.Load(text);
        }
        catch (YamlException e)
        {
            problems.Add($"{name}:{e.Start.Line}:{e.Start.Column}: not valid YAML: {e.Message.ReplaceLineEndings(" ")}");
            return;
        }

        if (yaml.Documents.Count > 1) problems.Add($"{Where(name, yaml.Documents[1].RootNode)}: a second document: write all settings in one");
        if (yaml.Documents.Count > 0) ReadSection(table, name, "", yaml.Documents[0].RootNode, values, problems);
    }

    private static void ReadSection<TOptions>(SettingTable<TOptions> table, string file, string section, YamlNode node, List<SettingValue> values, List<string> problems)
    {
        if (IsEmpty(node)) return;
        if (node is not YamlMappingNode mapping)
        {
            var what = section.Length == 0 ? "the file" : $"'{section}'";
            problems.Add($"{Where(file, node)}: {what} must hold keys and values; known: {string.Join(", ", table.Below(section))}");
            return;
        }

        foreach (var (keyNode, value) in mapping.Children)
        {
            var written = (keyNode as YamlScalarNode)?.Value ?? "";
            var key = section.Length == 0 ? written : $"{section}.{written}";
            if (table.Find(key) is { } setting) ReadValue(file, key, setting.IsList, value, values, problems);
            else if (!written.Contains('.') && table.Below(section).Contains(written)) ReadSection(table, file, key, value, values, problems);
            else problems.Add($"{Where(file, keyNode)}: unknown key '{key}'; known here: {string.Join(", ", table.Below(section))}");
        }
    }

    private static void ReadValue(string file, string key, bool isList, YamlNode node, List<SettingValue> values, List<string> problems)
    {
        if (isList && node is YamlSequenceNode list)
        {
            foreach (var item in list.Children)
            {
                if (item is YamlScalarNode { Value: not null } scalar && !IsEmpty(item)) values.Add(new SettingValue(key, scalar.Value, Where(file, item)));
                else problems.Add($"{Where(file, item)}: an item of '{key}' must be text");
            }
        }
        else if (isList)
        {
            problems.Add($"{Where(file, node)}: '{key}' must be a list");
        }
        else if (IsEmpty(node))
        {
            problems.Add($"{Where(file, node)}: '{key}' has no value; leave the key out for the default");
        }
        else if (node is YamlScalarNode { Value: not null } scalar)
        {
            values.Add(new SettingValue(key, scalar.Value, Where(file, node)));
        }
        else
        {
            problems.Add($"{Where(file, node)}: '{key}' must be one value");
        }
    }

    /// <summary>Whether it is YAML's null: nothing at all, or <c>~</c> or <c>null</c> without quotes.</summary>
    private static bool IsEmpty(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" };

    private static string Where(string file, YamlNode node) => $"{file}:{node.Start.Line}:{node.Start.Column}";
}
