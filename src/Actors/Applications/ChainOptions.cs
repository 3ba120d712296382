namespace Vni.Actors.Applications;

/// <summary>Whether and when a program that has ended is started again.</summary>
public sealed record RestartPolicy
{
    /// <summary>It stays ended.</summary>
    public const string Never = "never";

    /// <summary>It is started again unless it ended with status 0.</summary>
    public const string OnFailure = "on-failure";

    /// <summary>It is started again however it ended.</summary>
    public const string Always = "always";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> Policies { get; } = [Never, OnFailure, Always];

    /// <summary>One of <see cref="Policies"/>.</summary>
    public string Policy { get; set; } = OnFailure;

    /// <summary>Seconds between the end and the first restart; doubled for each that follows, 0.01 to 86400.</summary>
    /// <value>Default 1.</value>
    public double DelaySeconds { get; set; } = 1;

    /// <summary>Seconds that the delay grows to at most; not below <see cref="DelaySeconds"/>, at most 86400.</summary>
    /// <value>Default 60.</value>
    public double MaxDelaySeconds { get; set; } = 60;

    /// <summary>Seconds that it must have run for the delay and the count to begin anew, 0 to 86400.</summary>
    /// <value>Default 60.</value>
    public double ResetSeconds { get; set; } = 60;

    /// <summary>Restarts without such a run between them, after which it stays ended, 0 to 1000000; <c>null</c>: any number.</summary>
    public long? MaxCount { get; set; }
}

/// <summary>What says that a program is ready: exactly one of port, file and command.</summary>
public sealed record ReadinessTest
{
    /// <summary>A TCP port, 1 to 65535: something in the instance listens on it.</summary>
    public long? Port { get; set; }

    /// <summary>Absolute path in the instance: something is there.</summary>
    public string? File { get; set; }

    /// <summary>Program and arguments: it ends with status 0. It runs as the program's user, with its variables and directory.</summary>
    public IReadOnlyList<string>? Command { get; set; }

    /// <summary>Seconds from one test to the next, 0.01 to 3600.</summary>
    /// <value>Default 0.2.</value>
    public double IntervalSeconds { get; set; } = 0.2;

    /// <summary>Seconds after the program's first start in which it must be ready, 0.01 to 3600.</summary>
    /// <value>Default 60.</value>
    public double TimeoutSeconds { get; set; } = 60;
}
