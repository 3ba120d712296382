namespace Vni.Actors.Rules;

/// <summary>What bounds the work that rules can make.</summary>
public static class RuleLimits
{
    /// <summary>Bytes of UTF-8 that a file of rules may have.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Rules of a file.</summary>
    public const int MaxRules = 1000;

    /// <summary>Problems that are told; more than these, nobody reads.</summary>
    public const int MaxProblems = 100;

    /// <summary>Characters of a variable's name.</summary>
    public const int MaxName = 64;

    /// <summary>Own properties of one application.</summary>
    public const int MaxProperties = 64;

    /// <summary>Bytes of UTF-8 of one property's value.</summary>
    public const int MaxProperty = 1024;

    /// <summary>Bytes of UTF-8 of a path, without its final NUL (<c>PATH_MAX</c>, limits.h).</summary>
    public const int MaxPath = 4095;

    /// <summary>Bytes of UTF-8 of one name in a path (<c>NAME_MAX</c>, limits.h).</summary>
    public const int MaxSegment = 255;

    /// <summary>Bytes of UTF-8 of all variables that rules set.</summary>
    public const int MaxEnvironment = 64 * 1024;
}
