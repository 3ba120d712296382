namespace Vni.Actors.HandOffs;

/// <summary>
/// Until when a node may let its instances run [self-fencing]. The registry counts a lease from a renewal's arrival, which
/// is after it was sent; this counts from the sending, and so is always over first.
/// <code>
///  renewal sent        1/3: next         7/10: the daemon freezes    17/20: the guard does      1: others may act
///  |-------------------|-----------------|---------------------------|--------------------------|
/// </code>
/// </summary>
/// <param name="timeToLive">The lease's.</param>
internal sealed class LeaseGuard(TimeSpan timeToLive)
{
    /// <summary>Time between renewals.</summary>
    public TimeSpan Renewal { get; } = timeToLive / 3;

    /// <summary>Time from a renewal until the daemon freezes everything.</summary>
    public TimeSpan Patience { get; } = timeToLive * 0.7;

    /// <summary>Time from a renewal until the guard freezes everything, whatever the daemon does.</summary>
    public TimeSpan Limit { get; } = timeToLive * 0.85;

    /// <summary>Everything is frozen until ownership is confirmed.</summary>
    public bool Fenced { get; private set; }

    /// <summary>Number of fences so far. A confirmation of ownership lifts only if none has come since it was asked for.</summary>
    public int Fences { get; private set; }

    private TimeSpan? _renewed;

    /// <summary>A renewal was confirmed. A grant counts as one only when everything that may run here has its owner record on
    /// the new lease: those on the old one go with it, however often the new one is renewed.</summary>
    /// <param name="sent">When it was sent, on a clock that never stops.</param>
    /// <returns>Whether the instances, which are frozen, may run again, each after its ownership is confirmed.</returns>
    public bool Renewed(TimeSpan sent)
    {
        if (_renewed is null || sent > _renewed) _renewed = sent;
        var lift = Fenced;
        Fenced = false;
        return lift;
    }

    /// <summary>Whether everything must be frozen now. True once; then until the next renewal it is.</summary>
    public bool MustFence(TimeSpan now)
    {
        if (_renewed is null || now - _renewed < Patience) return false;
        return Lose();
    }

    /// <summary>The lease is known to be lost. Whether everything must be frozen now.</summary>
    public bool Lose()
    {
        if (Fenced) return false;
        Fenced = true;
        Fences++;
        return true;
    }

    /// <summary>How long the guard may let instances run, from <paramref name="now"/>; not below zero.</summary>
    public TimeSpan Remaining(TimeSpan now) => _renewed is { } renewed ? Allowance(renewed, now) : TimeSpan.Zero;

    /// <summary>How long a renewal sent at <paramref name="sent"/> lets the guard let instances run, from <paramref name="now"/>; not
    /// below zero.</summary>
    public TimeSpan Allowance(TimeSpan sent, TimeSpan now) => sent + Limit > now ? sent + Limit - now : TimeSpan.Zero;
}
