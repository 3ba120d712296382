using Vni.Cli.Values;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class SizesTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1000", 1000)]
    [InlineData("512M", 536_870_912)]
    [InlineData("512m", 536_870_912)]
    [InlineData("1.5G", 1_610_612_736)]
    [InlineData("64KiB", 65_536)]
    [InlineData("64kib", 65_536)]
    [InlineData(".5K", 512)]
    [InlineData("0.3K", 307)]
    [InlineData("2T", 2_199_023_255_552)]
    [InlineData("7.99E", 9_211_842_821_808_707_338)]
    public void A_size_is_bytes_or_a_multiple_of_1024(string text, long bytes)
    {
        Assert.True(Sizes.TryParse(text, out var parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("iB")]
    [InlineData("5iB")]
    [InlineData("512MB")]
    [InlineData("512 M")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1e3")]
    [InlineData("1,5G")]
    [InlineData("5Q")]
    [InlineData("8E")]
    [InlineData("99999999999999999999999999999999")]
    [InlineData("NaN")]
    public void Anything_else_is_none(string text) => Assert.False(Sizes.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1 KiB")]
    [InlineData(13_002_342, "12.4 MiB")]
    [InlineData((1 << 20) - 1, "1 MiB")]
    [InlineData(long.MaxValue, "8 EiB")]
    public void A_size_is_shown_with_one_decimal_at_most(long bytes, string text) => Assert.Equal(text, Sizes.Format(bytes));

    [Theory]
    [InlineData("2", true)]
    [InlineData("1.5", true)]
    [InlineData("0.01", true)]
    [InlineData("0.001", false)]
    [InlineData("0", false)]
    [InlineData("-1", false)]
    [InlineData("NaN", false)]
    [InlineData("1e2", false)]
    [InlineData("two", false)]
    public void Processors_are_a_plain_number_from_one_hundredth_on(string text, bool valid) => Assert.Equal(valid, Cpus.TryParse(text, out _));
}
