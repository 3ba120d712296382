using Vni.Actors;
using Vni.Actors.Identity;

namespace Vni.Cli.Declarations;

/// <summary>A mapping with a fixed set of keys. Reading it reports what is unknown, double or of the wrong type.</summary>
internal sealed class Section
{
    private readonly Dictionary<string, YamlItem> _values = [];
    private readonly Problems _problems;
    private readonly string? _path;
    private readonly YamlItem _place;

    private Section(YamlItem place, string? path, Problems problems)
    {
        _place = place;
        _path = path;
        _problems = problems;
    }

    /// <summary>Reads <paramref name="item"/> as a mapping of <paramref name="keys"/>.</summary>
    /// <param name="item">What stands there.</param>
    /// <param name="path">Where it is, such as <c>processes[0]</c>; <c>null</c>: the document itself.</param>
    /// <param name="keys">All keys there are.</param>
    /// <param name="problems">Gets what is wrong.</param>
    /// <returns><c>null</c> when it is no mapping.</returns>
    public static Section? Of(YamlItem item, string? path, string[] keys, Problems problems)
    {
        if (item is not YamlMap map)
        {
            problems.Add(item, $"{path ?? "a declaration"} must be a mapping of {string.Join(", ", keys)}; found {Describe(item)}");
            return null;
        }

        var section = new Section(map, path, problems);
        var where = path is null ? "" : $" in {path}";
        foreach (var (key, value) in map.Entries)
        {
            if (!keys.Contains(key.Text))
            {
                var meant = Suggestion.For(key.Text, keys) is { } word ? $"did you mean '{word}'?" : $"use {string.Join(", ", keys)}";
                problems.Add(key, $"unknown key {DnsLabel.Quote(key.Text)}{where}; {meant}");
            }
            else if (!section._values.TryAdd(key.Text, value))
            {
                problems.Add(key, $"key '{key.Text}'{where} is given twice (first on line {section._values[key.Text].Line})");
            }
        }

        return section;
    }

    /// <summary>The place of a key's value, or of the section when there is none.</summary>
    public YamlItem PlaceOf(string key) => _values.GetValueOrDefault(key, _place);

    /// <summary>A value of any type; <c>null</c> if there is none.</summary>
    public YamlItem? Item(string key) => _values.GetValueOrDefault(key);

    /// <summary>Reports that a key must be there.</summary>
    public void Missing(string key, string why) => _problems.Add(_place, $"missing key '{key}'{(_path is null ? "" : $" in {_path}")}; {why}");

    /// <summary>A text; <c>null</c> if there is none, or it is reported.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="check">What is wrong with it, as the second half of a sentence; <c>null</c>: nothing.</param>
    public string? Text(string key, Func<string, string?>? check = null)
    {
        if (!_values.TryGetValue(key, out var item)) return null;
        var name = _path is null ? key : $"{_path}.{key}";
        if (item is not YamlText { IsNothing: false } text)
        {
            _problems.Add(item, $"{name} must be a text; found {Describe(item)}");
            return null;
        }

        if (check?.Invoke(text.Text) is not { } wrong) return text.Text;
        _problems.Add(item, $"{name} {DnsLabel.Quote(text.Text)} is not valid: {wrong}");
        return null;
    }

    /// <summary>What kind of thing stands there, for a sentence.</summary>
    public static string Describe(YamlItem item) => item switch
    {
        YamlMap => "a mapping",
        YamlList => "a list",
        YamlText { IsNothing: true } => "nothing",
        YamlText text => DnsLabel.Quote(text.Text),
        _ => "something else",
    };
}
