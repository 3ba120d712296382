using System.Text;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Client;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class RulesCommandTests : IDisposable
{
    private const string Wild = "define <A>  as property NODE\nset env \"A\"=\"<A>\"\n";
    private const string Formatted = "Define <A> as PROPERTY node\nSET ENV \"A\" = \"<A>\"\n";
    private readonly string _directory = Directory.CreateTempSubdirectory("vni-rules-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Files_are_rewritten_through_links_and_keep_their_mode()
    {
        var file = Write("a.rules", Wild);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var link = Path.Combine(_directory, "link");
        File.CreateSymbolicLink(link, "a.rules");
        Assert.Equal(new CliRun(0, $"{link}  formatted\n", ""), await CliRun.Of(null, "rules", "fmt", link));
        Assert.Equal((Formatted, UnixFileMode.UserRead | UnixFileMode.UserWrite), (await File.ReadAllTextAsync(file), File.GetUnixFileMode(file)));
        Assert.NotNull(File.ResolveLinkTarget(link, false));
        Assert.Equal(new CliRun(0, "", ""), await CliRun.Of(null, "rules", "fmt", link));
        Assert.Equal(2, Directory.GetFiles(_directory).Length);
    }

    [Fact]
    public async Task Checking_the_form_changes_nothing_and_fails_where_it_is_not_kept()
    {
        var (bad, good) = (Write("bad", Wild), Write("good", Formatted));
        Assert.Equal(new CliRun(1, $"{bad}  is not formatted: run 'vni rules fmt' on it\n", ""), await CliRun.Of(null, "rules", "fmt", "--check", bad, good));
        Assert.Equal(Wild, await File.ReadAllTextAsync(bad));
        Assert.Equal(0, (await CliRun.Of(null, "rules", "fmt", "--check", good)).Status);
        Assert.Equal($"[{{\"file\":\"{bad}\",\"changed\":true}},{{\"file\":\"{good}\",\"changed\":false}}]", Compact((await CliRun.Of(null, "rules", "fmt", "--check", "-o", "json", bad, good)).Output));
    }

    [Fact]
    public async Task Without_files_standard_input_is_formatted()
    {
        var run = await CliRun.Of(null, host => host with { Input = new MemoryStream(Encoding.UTF8.GetBytes(Wild)) }, ["rules", "fmt"]);
        Assert.Equal(new CliRun(0, Formatted, ""), run);
        run = await CliRun.Of(null, host => host with { Input = new MemoryStream([0xff]) }, ["rules", "fmt"]);
        Assert.Equal((1, ""), (run.Status, run.Output));
        Assert.Contains("'standard input' cannot be read: it is not UTF-8 text", run.Error);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_as_rules_leaves_all_of_them_as_they_were()
    {
        var (good, bad) = (Write("good", Wild), Write("bad", "FOO\nSET\n"));
        var run = await CliRun.Of(null, "rules", "fmt", good, bad);
        Assert.Equal(1, run.Status);
        Assert.Contains($"{bad} has 2 problems; nothing was changed", run.Error);
        Assert.Contains($"{bad}:1:1: unknown rule 'FOO'", run.Error);
        Assert.Contains($"{bad}:2:4: 'ENV' must follow SET", run.Error);
        Assert.Equal(Wild, await File.ReadAllTextAsync(good));
        Assert.Contains("rules file '/nonexistent' cannot be read: no such file", (await CliRun.Of(null, "rules", "fmt", "/nonexistent")).Error);
    }

    [Fact]
    public async Task Every_problem_of_every_file_is_shown()
    {
        var (one, two) = (Write("one", "SET ENV \"A\" = \"<X>\"\nDefine <Y> as PROPERTY node\n"), Write("two", "Define <C> as PROPERTY \"colour\"\nSET ENV \"A\" = \"<C>\"\n"));
        var run = await CliRun.Of(null, "rules", "check", one, two);
        Assert.Equal(
            (1, $"{one}:1:16: error: the variable <X> is not defined; did you mean <Y>?\n{one}:2:1: warning: <Y> is never used: remove the line\n"), (run.Status, run.Output));
        Assert.Equal(new CliRun(0, "", ""), await CliRun.Of(null, "rules", "check", two));
        Assert.Contains("the application has no property 'colour'; did you mean 'color'?", (await CliRun.Of(null, "rules", "check", "--property", "color=red", two)).Output);
        Assert.Contains("\"line\":1,\"column\":16,\"severity\":\"error\",", Compact((await CliRun.Of(null, "rules", "check", "-o", "json", one)).Output));
    }

    [Fact]
    public async Task What_rules_mean_is_shown_as_rules()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("GET /v1/applications/web", Examples.Application() with
        {
            Rules = new RulesView([new("/a", "/b")], new Dictionary<string, string> { ["A"] = "\"<" }, [new("tcp", "80*", "create, write", "multiplex")]),
        }, VniJson.Default.ApplicationView);
        Assert.Equal(
            new CliRun(0, "REDIR PATH \"/a\" to \"/b\"\nSET ENV \"A\" = \"\\\"\\<\"\nRESOURCE tcp \"80*\" ON create, write DO multiplex\n", ""), await CliRun.Of(daemon, "rules", "show", "web"));
        daemon.On("GET /v1/applications/web", Examples.Application(), VniJson.Default.ApplicationView);
        Assert.Contains("application web has no rules; 'vni run --rules FILE' starts one with rules", (await CliRun.Of(daemon, "rules", "show", "web")).Error);
    }

    [Fact]
    public async Task Rules_of_run_are_checked_with_the_properties_that_are_given()
    {
        var file = Write("app.rules", "Define <C> as PROPERTY \"colour\"\nSET ENV \"A\" = \"<C>\"\n");
        var run = await CliRun.Of(null, "run", "--rules", file, "--", "true");
        Assert.Equal(1, run.Status);
        Assert.Contains($"{file} has 1 problem; nothing was started", run.Error);
        Assert.Contains($"{file}:1:24: the application has no property 'colour'", run.Error);
        Assert.Contains("daemon_unavailable", (await CliRun.Of(null, "run", "--rules", file, "--property", "colour=red", "--", "true")).Error); // Good rules get as far as that.
        Assert.Equal(2, (await CliRun.Of(null, "run", "--property", "colour", "--", "true")).Status);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static string Compact(string json) => string.Concat(json.Split('\n').Select(line => line.Trim())).Replace("\": ", "\":", StringComparison.Ordinal);
}
