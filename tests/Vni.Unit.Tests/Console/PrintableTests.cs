using Vni.Cli.Output;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class PrintableTests
{
    [Theory]
    [InlineData("plain text, ümläut, 漢字, 🦊", "plain text, ümläut, 漢字, 🦊")]
    [InlineData("\e[31mred", "\\x1b[31mred")]
    [InlineData("a\nb\tc\rd\0", "a\\nb\\tc\\rd\\x00")]
    [InlineData("\u009b31m\u007f", "\\x9b31m\\x7f")]
    [InlineData("abc\u202Efdp.exe", "abc\\u202efdp.exe")]
    [InlineData("zero\u200bwidth", "zero\\u200bwidth")]
    [InlineData("line\u2028", "line\\u2028")]
    [InlineData("[red]no markup[/]", "[red]no markup[/]")]
    public void Only_what_shows_as_itself_is_left(string text, string shown) => Assert.Equal(shown, Printable.Escape(text));

    [Fact]
    public void A_lone_surrogate_is_escaped() => Assert.Equal("\\ud800x", Printable.Escape("\ud800x"));
}
