using System.Text.Json;
using Vni.Actors.Applications;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Client;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class ArgumentTests
{
    [Theory]
    [InlineData("run -- sleep 100", "sleep|100")]
    [InlineData("run sleep 100", "sleep|100")]
    [InlineData("run redis-server --port 7000", "redis-server|--port|7000")]
    [InlineData("run ls --name x --help -o json", "ls|--name|x|--help|-o|json")]
    [InlineData("run -- --odd -f x", "--odd|-f|x")]
    [InlineData("run -- a -- b", "a|--|b")]
    [InlineData("run sh -c x -- y", "sh|-c|x|--|y")]
    [InlineData("run -- cat @/etc/passwd", "cat|@/etc/passwd")]
    [InlineData("run -- [suggest]", "[suggest]")]
    [InlineData("run -- ps", "ps")]
    [InlineData("run ps", "ps")]
    public async Task The_command_is_taken_as_it_is(string line, string words)
    {
        var (declaration, run) = await DeclareAsync(line.Split(' '));
        Assert.Equal(0, run.Status);
        Assert.Equal(words, string.Join('|', Assert.Single(declaration!.Processes).Command));
        Assert.Null(declaration.Name);
    }

    [Fact]
    public async Task Options_before_the_command_are_ours()
    {
        var (declaration, run) = await DeclareAsync(
            "run", "--name", "web", "--ip=10.117.0.5", "--hostname", "shop", "--env", "A=1", "--env", "B=x=y", "--env", "A=2", "--user", "33:33",
            "--workdir", "/srv", "--root", "/opt/../srv", "--memory", "512M", "--cpus", "1.5", "sleep", "100");
        Assert.Equal(0, run.Status);
        Assert.Equal("web  10.117.0.5  shop\n", run.Output);
        Assert.Equal(("web", "10.117.0.5", "shop", "/srv"), (declaration!.Name, declaration.Ip, declaration.Hostname, declaration.Root));
        Assert.Equal((512L << 20, 1.5), (declaration.Limits.Memory, declaration.Limits.Cpus));
        var process = Assert.Single(declaration.Processes);
        Assert.Equal(("main", "33:33", "/srv"), (process.Name, process.User, process.Workdir));
        Assert.Equal(["sleep", "100"], process.Command);
        Assert.Equal(new Dictionary<string, string> { ["A"] = "2", ["B"] = "x=y" }, process.Env);
    }

    [Fact]
    public async Task A_declaration_is_read_from_a_file_and_overridden()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "name: shop\nprocesses: [{command: sleep 100}]");
            var (declaration, run) = await DeclareAsync("run", "-f", file, "--name", "web");
            Assert.Equal(0, run.Status);
            Assert.Equal("web", declaration!.Name);
            Assert.Equal(["sleep", "100"], Assert.Single(declaration.Processes).Command);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("", "vni: no command given\nSee 'vni --help'.\n")]
    [InlineData("pss", "vni: there is no command 'pss'; did you mean 'ps'?\nSee 'vni --help'.\n")]
    [InlineData("frobnicate", "vni: there is no command 'frobnicate'\nSee 'vni --help'.\n")]
    [InlineData("--bogus", "vni: unknown option '--bogus'\nSee 'vni --help'.\n")]
    [InlineData("run", "vni: no command: give one after --, or a declaration with -f\nSee 'vni run --help'.\n")]
    [InlineData("run -f a.yaml -- sleep 100", "vni: a command and -f exclude each other: the declaration names the commands\nSee 'vni run --help'.\n")]
    [InlineData("run --nmae web sleep", "vni: unknown option '--nmae'; did you mean '--name'?\nSee 'vni run --help'.\n")]
    [InlineData("run --memory 5Q a", "vni: --memory '5Q' is not a size: use bytes or a multiple such as 512M, 1.5G or 64KiB (powers of 1024)\nSee 'vni run --help'.\n")]
    [InlineData("run --cpus none a", "vni: --cpus 'none' is not a number of processors: use a number of processors from 0.01 on, such as 2 or 1.5\nSee 'vni run --help'.\n")]
    [InlineData("run --env A a", "vni: --env 'A' is not a variable: use NAME=VALUE\nSee 'vni run --help'.\n")]
    [InlineData("run --env =1 a", "vni: --env '=1' is not a variable: use NAME=VALUE\nSee 'vni run --help'.\n")]
    [InlineData("inspect --bogus", "vni: unknown option '--bogus'\nSee 'vni inspect --help'.\n")]
    [InlineData("exec web", "vni: required argument 'COMMAND' missing for command: 'exec'\nSee 'vni exec --help'.\n")]
    [InlineData("exec web --bogus -- ls", "vni: unknown option '--bogus'\nSee 'vni exec --help'.\n")]
    [InlineData("run --nmae x -- sleep", "vni: unknown option '--nmae'; did you mean '--name'?\nSee 'vni run --help'.\n")]
    [InlineData("join --nmae x shop -- sleep 1", "vni: unknown option '--nmae'; did you mean '--name'?\nSee 'vni join --help'.\n")]
    [InlineData("exec --usr root web -- ls -l", "vni: unknown option '--usr'; did you mean '--user'?\nSee 'vni exec --help'.\n")]
    [InlineData("exec --usr=root web ls -l", "vni: unknown option '--usr=root'; did you mean '--user'?\nSee 'vni exec --help'.\n")]
    [InlineData("rids web --tpye tcp", "vni: unknown option '--tpye'; did you mean '--type'?\nSee 'vni rids --help'.\n")]
    [InlineData("rids --tpye tcp web", "vni: unknown option '--tpye'; did you mean '--type'?\nSee 'vni rids --help'.\n")]
    [InlineData("ps --jsno", "vni: unknown option '--jsno'\nSee 'vni ps --help'.\n")]
    [InlineData("exec web --user", "vni: option '--user' needs a value\nSee 'vni exec --help'.\n")]
    [InlineData("exec -t -T web ls", "vni: -t and -T exclude each other\nSee 'vni exec --help'.\n")]
    [InlineData("logs web --tail -1", "vni: --tail needs a number of lines from 0 on\nSee 'vni logs --help'.\n")]
    [InlineData("stop web --grace -1", "vni: --grace needs a number of seconds from 0 on\nSee 'vni stop --help'.\n")]
    [InlineData("snapshot a b", "vni: unrecognized command or argument 'b'\nSee 'vni snapshot --help'.\n")]
    public async Task A_command_line_that_makes_no_sense_ends_with_2_and_a_hint(string line, string error)
    {
        var run = await CliRun.Of(null, line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(error, run.Error);
        Assert.Equal((2, ""), (run.Status, run.Output));
    }

    [Fact]
    public async Task Usage_errors_are_json_too_when_json_is_asked_for()
    {
        var run = await CliRun.Of(null, "run", "-o", "json");
        Assert.Equal(2, run.Status);
        var error = JsonSerializer.Deserialize(run.Error, VniJson.Default.ErrorView)!.Error;
        Assert.Equal(("invalid_argument", "no command: give one after --, or a declaration with -f"), (error.Code, error.Message));
        Assert.Equal(2, (await CliRun.Of(null, "ps", "-o", "yaml")).Status);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("run --help")]
    [InlineData("run -h")]
    [InlineData("--version")]
    public async Task Help_and_version_need_no_daemon(string line)
    {
        var run = await CliRun.Of(null, line.Split(' '));
        Assert.Equal((0, ""), (run.Status, run.Error));
        Assert.NotEmpty(run.Output);
    }

    [Fact]
    public async Task Help_hides_what_is_not_for_people() => Assert.DoesNotContain("__complete", (await CliRun.Of(null, "--help")).Output);

    [Fact]
    public async Task The_socket_option_wins_over_the_environment_and_may_stand_anywhere()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("GET /v1/applications", [], VniJson.Default.IReadOnlyListApplicationView);
        Assert.Equal(0, (await CliRun.Of(null, "--socket", daemon.SocketPath, "ps")).Status);
        Assert.Equal(0, (await CliRun.Of(null, "ps", "--socket", daemon.SocketPath)).Status);
    }

    [Theory]
    [InlineData("exec web ls -l", "arg=ls&arg=-l")]
    [InlineData("exec web -- ls -l", "arg=ls&arg=-l")]
    [InlineData("exec -- web ls", "arg=ls")]
    [InlineData("exec web -T -- ls -T", "arg=ls&arg=-T")]
    [InlineData("exec -T web --user 33 --env A=-1 --workdir=/srv ls", "arg=ls&env=A%3D-1&user=33&workdir=%2Fsrv")]
    [InlineData("exec web --user 33 -- --user 34", "arg=--user&arg=34&user=33")]
    [InlineData("-o json exec web -T ls -o text", "arg=ls&arg=-o&arg=text")]
    [InlineData("exec -T ls ls", "arg=ls", "ls")]
    public async Task Options_of_exec_stand_on_either_side_of_the_name_but_not_behind_the_command(string line, string query, string aid = "web")
    {
        await using var daemon = await FakeDaemon.StartAsync();
        await CliRun.Of(daemon, line.Split(' '));
        Assert.Equal($"GET /v1/applications/{aid}/exec?{query}", Assert.Single(daemon.Requests));
    }

    private static async Task<(ApplicationDeclaration? Declaration, CliRun Run)> DeclareAsync(params string[] args)
    {
        await using var daemon = await FakeDaemon.StartAsync();
        daemon.On("POST /v1/applications", Examples.Application(), VniJson.Default.ApplicationView, status: 201);
        var run = await CliRun.Of(daemon, args);
        var declaration = daemon.Requests.TryPeek(out var request)
            ? JsonSerializer.Deserialize(request["POST /v1/applications ".Length..], VniJson.Default.ApplicationDeclaration)
            : null;
        return (declaration, run);
    }
}
