using System.Text;
using Vni.Cli.Output;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class TerminalGuardTests
{
    [Theory]
    [InlineData("plain\n\ttext ü 漢\r\n", "plain\n\ttext ü 漢\r\n")]
    [InlineData("\e[1;31mred\e[0m", "\e[1;31mred\e[0m\e[0m")]
    [InlineData("\e[38:2::1:2:3mx", "\e[38:2::1:2:3mx\e[0m")]
    [InlineData("\e[2Jcleared", "\\x1b[2Jcleared")]
    [InlineData("\e]0;title\a", "\\x1b]0;title\\x07")]
    [InlineData("\e]52;c;ZXZpbA==\a", "\\x1b]52;c;ZXZpbA==\\x07")]
    [InlineData("\e\e[31mx", "\\x1b\e[31mx\e[0m")]
    [InlineData("\u009b2J", "\\x9b2J")]
    [InlineData("\b\u007f", "\\x08\\x7f")]
    [InlineData("ends in \e[3", "ends in \\x1b[3")]
    [InlineData("Â", "Â")]
    public void Text_and_colours_pass_and_nothing_else(string written, string shown)
    {
        Assert.Equal(shown, Show(Encoding.UTF8.GetBytes(written), int.MaxValue));
        // However it is cut into pieces.
        for (var size = 1; size < 4; size++) Assert.Equal(shown, Show(Encoding.UTF8.GetBytes(written), size));
    }

    [Fact]
    public void An_endless_sequence_is_not_held_back_for_ever()
    {
        var shown = Show(Encoding.UTF8.GetBytes("\e[" + new string('1', 500)), int.MaxValue);
        Assert.Equal("\\x1b[" + new string('1', 500), shown);
    }

    private static string Show(byte[] written, int size)
    {
        using var terminal = new MemoryStream();
        var guard = new TerminalGuard(terminal);
        foreach (var piece in written.Chunk(Math.Min(size, written.Length))) guard.Write(piece);
        guard.Complete();
        return Encoding.UTF8.GetString(terminal.ToArray());
    }
}
