using System.Text;
using Vni.Actors.Applications;
using Vni.Actors.Identity;

namespace Vni.Actors.Rules;

/// <summary>The properties of an instance that rules can speak of.</summary>
public static class RuleProperties
{
    /// <summary>Those that every instance has, as they are spelled; the source's is the first.</summary>
    public static IReadOnlyList<string> Names { get; } = ["application-ID", "virtual-IP", "virtual-IP6", "hostname", "node", "template", "clone-number"];

    /// <summary>Whether every instance has a property of that name, whatever its case.</summary>
    public static bool IsBuiltIn(string name) => Names.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The spelling of a property that every instance has; any other name as it is.</summary>
    public static string Spell(string name) => Names.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? name;

    /// <summary>The values of one instance: those that every instance has, and its own.</summary>
    /// <param name="declaration">Own properties.</param>
    /// <param name="aid">Its name.</param>
    /// <param name="identity">Address and hostname.</param>
    /// <param name="node">The node on which it was first run, which it keeps wherever it moves.</param>
    public static IReadOnlyDictionary<string, string> Of(ApplicationDeclaration declaration, Aid aid, VirtualIdentity identity, string node)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["application-ID"] = aid.Value,
            ["virtual-IP"] = identity.Ip,
            ["virtual-IP6"] = identity.Ip6 ?? None,
            ["hostname"] = identity.Hostname,
            ["node"] = node,
            ["template"] = None,
            ["clone-number"] = "0",
        };
        foreach (var (name, value) in declaration.Properties ?? new Dictionary<string, string>()) values.TryAdd(name, value);
        return values;
    }

    /// <summary>Why a name cannot be that of an own property; <c>null</c>: it can.</summary>
    public static string? NameProblem(string name)
    {
        if (IsBuiltIn(name)) return "every instance has that property; choose another name";
        return name.Length is > 0 and <= RuleLimits.MaxName && char.IsAsciiLetter(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            ? null
            : $"use 1 to {RuleLimits.MaxName} letters, digits, '-', '_' and '.', a letter first";
    }

    /// <summary>Why a text cannot be the value of an own property; <c>null</c>: it can.</summary>
    public static string? ValueProblem(string value) => value.Any(char.IsControl) ? "it holds a control character"
        : Encoding.UTF8.GetByteCount(value) > RuleLimits.MaxProperty ? $"at most {RuleLimits.MaxProperty} bytes are possible"
        : null;

    /// <summary>The template of an instance that is no clone, and the IPv6 address of one that has none.</summary>
    private const string None = "none";
}
