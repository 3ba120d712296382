namespace Vni.Actors.Rules;

/// <summary>What an application does with a resource [fig. 8].</summary>
[Flags]
public enum ResourceAccess
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It makes it.</summary>
    Create = 1,

    /// <summary>It reads it.</summary>
    Read = 2,

    /// <summary>It changes it.</summary>
    Write = 4,

    /// <summary>It takes it away.</summary>
    Destroy = 8,

    /// <summary>Whatever it does.</summary>
    Any = Create | Read | Write | Destroy,
}
