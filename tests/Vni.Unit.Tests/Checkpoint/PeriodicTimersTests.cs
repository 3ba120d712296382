using Vni.Interposer.Checkpoint;
using Xunit;

namespace Vni.Unit.Tests.Checkpoint;

public sealed class PeriodicTimersTests
{
    [Fact]
    public void A_periodic_timer_that_expired_in_the_freeze_goes_on_at_once()
    {
        var image = Image(Timer(ticks: 3, seconds: 0, nanoseconds: 0, intervalNanoseconds: 20));
        Assert.Equal(1, PeriodicTimers.Rearm(image));
        Assert.Equal(Image(Timer(ticks: 3, seconds: 0, nanoseconds: 1, intervalNanoseconds: 20)), image);
    }

    [Theory]
    [InlineData(0, 0, 0, 20)] // Disarmed: no expiry is waiting to be read.
    [InlineData(1, 0, 0, 0)] // Expired, and of one shot.
    [InlineData(1, 0, 5, 20)] // Will expire again by itself.
    [InlineData(1, 5, 0, 20)]
    public void Any_other_timer_stays_as_it_is(byte ticks, byte seconds, byte nanoseconds, byte intervalNanoseconds)
    {
        var image = Image(Timer(ticks, seconds, nanoseconds, intervalNanoseconds));
        var before = image.ToArray();
        Assert.Equal(0, PeriodicTimers.Rearm(image));
        Assert.Equal(before, image);
    }

    [Fact]
    public void Every_timer_among_other_files_is_looked_at()
    {
        byte[] other = [0x08, 1, 0x10, 0x96, 0x01, 0x1a, 3, 1, 2, 3]; // A regular file: number, two-byte number, message.
        var expired = Timer(ticks: 1, seconds: 0, nanoseconds: 0, intervalNanoseconds: 9);
        Assert.Equal(2, PeriodicTimers.Rearm(Image(other, expired, other, expired)));
    }

    [Fact]
    public void An_image_without_entries_is_left_alone() => Assert.Equal(0, PeriodicTimers.Rearm(Image()));

    /// <summary>A <c>file_entry</c> of a timer, as CRIU writes it.</summary>
    private static byte[] Timer(byte ticks, byte seconds, byte nanoseconds, byte intervalNanoseconds)
    {
        byte[] timer = [0x08, 7, 0x10, 2, 0x1a, 2, 0x08, 0, 0x20, 1, 0x28, ticks, 0x30, 0, 0x38, seconds, 0x40, nanoseconds, 0x48, 0, 0x50, intervalNanoseconds];
        return [0x08, 17, 0x10, 7, 0x62, (byte)timer.Length, .. timer];
    }

    private static byte[] Image(params byte[][] entries) =>
        [1, 2, 3, 4, 5, 6, 7, 8, .. entries.SelectMany(e => (byte[])[.. BitConverter.GetBytes(e.Length), .. e])];
}
