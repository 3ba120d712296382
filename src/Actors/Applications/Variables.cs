namespace Vni.Actors.Applications;

/// <summary>Variables of an environment, and properties: texts by name.</summary>
public static class Variables
{
    /// <summary><paramref name="own"/> over <paramref name="general"/>: of a name that both have, the own text counts.</summary>
    public static Dictionary<string, string> Over(IReadOnlyDictionary<string, string> general, IReadOnlyDictionary<string, string> own)
    {
        var all = new Dictionary<string, string>(general, StringComparer.Ordinal);
        foreach (var (name, value) in own) all[name] = value;
        return all;
    }
}
