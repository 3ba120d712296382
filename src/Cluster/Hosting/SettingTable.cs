namespace Vni.Cluster.Hosting;

/// <summary>One value that somebody wrote.</summary>
/// <param name="Key">The setting, sections joined by a dot: <c>network.subnet</c>.</param>
/// <param name="Text">What was written.</param>
/// <param name="Where">Where: <c>FILE:LINE:COLUMN</c>, or the option of the command line.</param>
internal sealed record SettingValue(string Key, string Text, string Where);

/// <summary>A setting: whether it takes a list, and what a value of it does to the options.</summary>
/// <param name="IsList">Whether it takes any number of values.</param>
/// <param name="Apply">Returns the changed options, or throws <see cref="FormatException"/> saying what is accepted.</param>
internal sealed record Setting<TOptions>(bool IsList, Func<TOptions, string, TOptions> Apply)
{
    /// <summary>A setting of one value.</summary>
    internal static Setting<TOptions> One(Func<TOptions, string, TOptions> apply) => new(IsList: false, apply);

    /// <summary>A setting of any number of values, applied one after the other.</summary>
    internal static Setting<TOptions> Many(Func<TOptions, string, TOptions> apply) => new(IsList: true, apply);
}

/// <summary>All settings of a program by key. Its file and its command line are two ways to the same table.</summary>
internal sealed class SettingTable<TOptions>(IReadOnlyDictionary<string, Setting<TOptions>> all)
{
    /// <summary>The setting of a key; <c>null</c>: none.</summary>
    internal Setting<TOptions>? Find(string key) => all.GetValueOrDefault(key);

    /// <summary>Keys and sections directly below a section (<c>""</c>: the top), as they are written there.</summary>
    internal IReadOnlyList<string> Below(string section)
    {
        var prefix = section.Length == 0 ? "" : section + ".";
        return [.. all.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Select(k => k[prefix.Length..].Split('.')[0]).Distinct()];
    }

    /// <summary>The options that the values make, in order; what is wrong with one is added to <paramref name="problems"/>.</summary>
    /// <param name="options">The defaults.</param>
    /// <param name="values">Of the file, then of the command line.</param>
    /// <param name="where">Takes where each key was last set.</param>
    /// <param name="problems">Takes one sentence for each bad value.</param>
    internal TOptions Apply(TOptions options, IReadOnlyList<SettingValue> values, Dictionary<string, string> where, List<string> problems)
    {
        foreach (var value in values)
        {
            where[value.Key] = value.Where;
            try
            {
                options = all[value.Key].Apply(options, value.Text);
            }
            catch (FormatException e)
            {
                problems.Add($"{value.Where}: {value.Key}: {e.Message}");
            }
        }

        return options;
    }
}
