using Vni.Cli.Values;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class ShellWordsTests
{
    [Theory]
    [InlineData("redis-server --port 7000", "redis-server|--port|7000")]
    [InlineData("  a \t b\n", "a|b")]
    [InlineData("sh -c 'echo $HOME | wc'", "sh|-c|echo $HOME | wc")]
    [InlineData("""a "b c" d"e"'f'""", "a|b c|def")]
    [InlineData("""a\ b \"q\" "x\"y" "x\z" """, "a b|\"q\"|x\"y|x\\z")]
    [InlineData("""a '' "" """, "a||")]
    [InlineData("redis-server *:6379", "redis-server|*:6379")]
    [InlineData("", "")]
    public void A_line_is_split_as_a_shell_does(string line, string words)
    {
        Assert.Null(ShellWords.Split(line, out var split));
        Assert.Equal(words, string.Join('|', split));
    }

    [Theory]
    [InlineData("a | b", "'|' would need a shell")]
    [InlineData("a > b", "'>' would need a shell")]
    [InlineData("echo $HOME", "'$' would need a shell")]
    [InlineData("echo \"$HOME\"", "'$' would need a shell")]
    [InlineData("a 'b", "a single quote is not closed")]
    [InlineData("a \"b", "a double quote is not closed")]
    [InlineData("a \"b\\", "a double quote is not closed")]
    [InlineData("a \\", "it ends with a backslash")]
    public void What_a_shell_would_interpret_is_refused(string line, string reason)
    {
        Assert.StartsWith(reason, ShellWords.Split(line, out var words));
        Assert.Empty(words);
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("")]
    [InlineData("it's")]
    [InlineData("$x|y\"")]
    [InlineData("plain-1.2")]
    public void Joined_words_split_into_the_same(string word)
    {
        Assert.Null(ShellWords.Split(ShellWords.Join(["x", word, "y"]), out var words));
        Assert.Equal(["x", word, "y"], words);
    }
}
