namespace Vni.Actors.Kernel;

/// <summary>
/// What follows an exception out of <c>Receive</c> or <c>StartedAsync</c>: a new object from the factory on the same
/// mailbox, until it has happened too often; then the actor stops.
/// </summary>
public sealed record Supervision
{
    /// <summary>The actor stops at its first failure.</summary>
    public static Supervision StopOnFailure { get; } = new() { MaxRestarts = 0 };

    /// <summary>How many restarts are allowed within <see cref="Window"/>; the next failure stops the actor.</summary>
    /// <value>Default 10, minimum 0.</value>
    public int MaxRestarts { get; init; } = 10;

    /// <summary>The time that restarts are counted in.</summary>
    /// <value>Default one minute.</value>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(1);
}
