namespace Vni.Unit.Tests.Cli;

/// <summary>A clock that stands, in UTC, whatever the machine's time zone is; timers are real.</summary>
internal sealed class FixedClock(DateTimeOffset now) : TimeProvider
{
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => now;
}
