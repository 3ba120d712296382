using Vni.Actors.Identity;

namespace Vni.Actors.Snapshots;

/// <summary>Names of snapshots: AID, a dot, and 12 base-32 digits that grow with time.</summary>
internal static class SnapshotIds
{
    private const int Length = 12;

    /// <summary>A name that comes after <paramref name="newest"/> in ordinal order, whatever the clock has done meanwhile.</summary>
    /// <param name="aid">The application.</param>
    /// <param name="now">The time; its 100 ns ticks since 1970 are the digits.</param>
    /// <param name="newest">Greatest id that the application has had; <c>null</c>: none.</param>
    public static string Next(Aid aid, DateTimeOffset now, string? newest)
    {
        var number = now.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks;
        if (newest is not null) number = Math.Max(number, Decode(newest) + 1);
        return $"{aid}.{Base32.Encode(number, Length)}";
    }

    private static long Decode(string id)
    {
        var number = 0L;
        foreach (var digit in id[(id.IndexOf('.') + 1)..]) number = (number << 5) | (uint)Math.Max(0, Base32.Digits.IndexOf(digit));
        return number;
    }
}
