using System.Text;
using Vni.Cli.Interactive;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class LineEditorTests
{
    [Theory]
    [InlineData("ps", "ps|")]
    [InlineData("abc\u007f\u007fx", "ax|")]
    [InlineData("abc\e[D\e[Dx", "ax|bc")]
    [InlineData("abc\u0001x\u0005y", "xabcy|")]
    [InlineData("abc\e[Hx\e[Fy", "xabcy|")]
    [InlineData("abc\e[1~\e[3~", "|bc")]
    [InlineData("abc\eOH\u0004", "|bc")]
    [InlineData("run one two\u0017", "run one |")]
    [InlineData("run one  \u0017\u0017", "|")]
    [InlineData("run one\e[1;5D\u000b", "run |")]
    [InlineData("run one\ebx\efy", "run xoney|")]
    [InlineData("abc\e[D\u0015", "|c")]
    [InlineData("a\e[D\e[D\e[D\u007f\e[C\e[C\e[C", "a|")]
    [InlineData("aé\u007f", "a|")]
    [InlineData("a👩‍👩‍👧\e[Db", "ab|👩‍👩‍👧")]
    [InlineData("a\e[99;99~\e[200~b\u0000\e", "ab|")]
    public void Keys_edit_the_line(string typed, string expected)
    {
        var editor = new LineEditor([]);
        Type(editor, typed);
        Assert.Equal(expected, editor.Text.Insert(editor.Cursor, "|"));
    }

    [Fact]
    public void Older_lines_come_back_and_the_new_one_is_not_lost()
    {
        var editor = new LineEditor(["first", "second"]);
        Assert.Equal(["secon", "first", "first", "second", "new", "new"], Texts("new\e[A\u007f", "\u0010", "\e[A", "\e[B", "\u000e", "\e[B"));

        IEnumerable<string> Texts(params string[] typed) => typed.Select(keys =>
        {
            Type(editor, keys);
            return editor.Text;
        }).ToList();
    }

    [Theory]
    [InlineData("x\r", "Accepted")]
    [InlineData("x\u0003", "Cancelled")]
    [InlineData("\u0004", "Ended")]
    [InlineData("x\u0004", "Continue")]
    [InlineData("x\t", "Complete")]
    [InlineData("x\u000c", "ClearScreen")]
    public void Some_keys_end_the_line_or_ask_for_something(string typed, string result) =>
        Assert.Equal(result, Type(new LineEditor([]), typed).ToString());

    [Theory]
    [InlineData("ps", 2, 20, "\r> ps\e[K\r\e[4C")]
    [InlineData("ps", 0, 20, "\r> ps\e[K\r\e[2C")]
    [InlineData("0123456789", 10, 8, "\r> 56789\e[K\r\e[7C")]
    [InlineData("0123456789", 7, 8, "\r> 23456\e[K\r\e[7C")]
    [InlineData("0123456789", 0, 8, "\r> 01234\e[K\r\e[2C")]
    [InlineData("日本", 2, 20, "\r> 日本\e[K\r\e[6C")]
    [InlineData("日本語", 3, 8, "\r> 本語\e[K\r\e[6C")]
    [InlineData("a\u202eb", 3, 20, "\r> a\\u202eb\e[K\r\e[10C")]
    public void The_row_shows_what_is_around_the_cursor(string text, int cursor, int columns, string painted) =>
        Assert.Equal(painted, LineView.Paint("> ", text, cursor, columns));

    [Fact]
    public void History_keeps_lines_over_runs_without_repeating_or_telling_secrets()
    {
        var directory = Directory.CreateTempSubdirectory("vni-history-");
        try
        {
            var path = Path.Combine(directory.FullName, "state", "vni", "history");
            var history = new History(path);
            foreach (var line in new[] { "ps", "ps", " secret", "", "nodes" }) history.Add(line);
            Assert.Equal(["ps", "nodes"], new History(path).Lines);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_history_that_cannot_be_written_is_kept_in_memory()
    {
        var history = new History("/proc/none/history");
        history.Add("ps");
        Assert.Equal(["ps"], history.Lines);
    }

    [Theory]
    [InlineData("/x", "/home/u", "/x/vni/history")]
    [InlineData(null, "/home/u", "/home/u/.local/state/vni/history")]
    [InlineData("relative", "/home/u", "/home/u/.local/state/vni/history")]
    [InlineData(null, null, null)]
    public void History_is_where_state_belongs(string? state, string? home, string? path) =>
        Assert.Equal(path, History.PathOf(name => name == "HOME" ? home : state));

    private static EditResult Type(LineEditor editor, string typed)
    {
        var decoder = new KeyDecoder();
        var result = EditResult.Continue;
        foreach (var b in Encoding.UTF8.GetBytes(typed))
        {
            if (decoder.Feed(b) is { } key) result = editor.Press(key);
        }

        return result;
    }
}
