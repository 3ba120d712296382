using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Vni.Node.Configuration;

/// <summary>Reads <c>vnid.yaml</c> (YAML 1.2) into values with their positions; <c>docs/configuration.md</c> lists the keys.</summary>
internal static class ConfigurationFile
{
    /// <summary>Adds what stands in the text to <paramref name="values"/>, and every unknown key and wrong type to
    /// <paramref name="problems"/>.</summary>
    internal static void Read(string name, TextReader text, List<SettingValue> values, List<string> problems)
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
        if (yaml.Documents.Count > 0) ReadSection(name, "", yaml.Documents[0].RootNode, values, problems);
    }

    private static void ReadSection(string file, string section, YamlNode node, List<SettingValue> values, List<string> problems)
    {
        if (IsEmpty(node)) return;
        if (node is not YamlMappingNode mapping)
        {
            var what = section.Length == 0 ? "the file" : $"'{section}'";
            problems.Add($"{Where(file, node)}: {what} must hold keys and values; known: {string.Join(", ", Settings.Below(section))}");
            return;
        }

        foreach (var (keyNode, value) in mapping.Children)
        {
            var written = (keyNode as YamlScalarNode)?.Value ?? "";
            var key = section.Length == 0 ? written : $"{section}.{written}";
            if (Settings.All.TryGetValue(key, out var setting)) ReadValue(file, key, setting, value, values, problems);
            else if (!written.Contains('.') && Settings.Below(section).Contains(written)) ReadSection(file, key, value, values, problems);
            else problems.Add($"{Where(file, keyNode)}: unknown key '{key}'; known here: {string.Join(", ", Settings.Below(section))}");
        }
    }

    private static void ReadValue(string file, string key, Setting setting, YamlNode node, List<SettingValue> values, List<string> problems)
    {
        if (setting.IsList && node is YamlSequenceNode list)
        {
            foreach (var item in list.Children)
            {
                if (item is YamlScalarNode { Value: not null } scalar && !IsEmpty(item)) values.Add(new SettingValue(key, scalar.Value, Where(file, item)));
                else problems.Add($"{Where(file, item)}: an item of '{key}' must be text");
            }
        }
        else if (setting.IsList)
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
