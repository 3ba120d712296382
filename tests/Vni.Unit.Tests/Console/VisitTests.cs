using System.Text;
using Vni.Actors;
using Vni.Client.Exec;
using Vni.Cli;
using Vni.Cli.Output;
using Vni.Cli.Terminal;
using Vni.Unit.Tests.Client;
using Xunit;
using static Vni.Unit.Tests.Client.ExecSessionTests;

namespace Vni.Unit.Tests.Cli;

public sealed class VisitTests
{
    [Fact]
    public async Task Streams_and_exit_status_are_the_commands()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        OnExec(daemon, async socket =>
        {
            Assert.Equal("\0typed", await ReceiveAsync(socket));
            Assert.Equal("\0", await ReceiveAsync(socket));
            await SendAsync(socket, "\u0001out");
            await SendAsync(socket, "\u0002err");
            await ControlAsync(socket, """{"exit":42}""");
        });
        var run = await CliRun.Of(daemon, host => host with { Input = new MemoryStream("typed"u8.ToArray()) }, ["exec", "web", "--", "cat"]);
        Assert.Equal(new CliRun(42, "out", "err"), run);
        Assert.Equal("GET /v1/applications/web/exec?arg=cat", Assert.Single(daemon.Requests));
    }

    [Fact]
    public async Task At_a_terminal_the_command_gets_one_and_ours_is_raw_for_as_long()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        var terminal = new FakeTerminal { Size = new TerminalSize(100, 40) };
        OnExec(daemon, async socket =>
        {
            Assert.Equal("\0x", await ReceiveAsync(socket));
            Assert.Equal(["raw"], terminal.Modes);
            terminal.Resize(90, 30);
            Assert.Equal("""{"resize":{"columns":90,"rows":30}}""", await ReceiveAsync(socket));
            await ControlAsync(socket, """{"exit":0}""");
        });
        using var keys = new Keys("x");
        var run = await CliRun.Of(daemon, AtTerminal(terminal, keys), ["exec", "web", "bash"]);
        Assert.Equal(new CliRun(0, "", ""), run);
        Assert.Equal(["raw", "restored"], terminal.Modes);
        Assert.Equal("GET /v1/applications/web/exec?arg=bash&env=TERM%3Dxterm&tty=1&cols=100&rows=40", Assert.Single(daemon.Requests));
    }

    [Fact]
    public async Task The_terminal_is_restored_when_the_connection_breaks()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        var terminal = new FakeTerminal { Size = new TerminalSize(100, 40) };
        OnExec(daemon, async socket =>
        {
            Assert.Equal("\0x", await ReceiveAsync(socket));
            socket.Abort();
        });
        using var keys = new Keys("x");
        var run = await CliRun.Of(daemon, AtTerminal(terminal, keys), ["exec", "web", "bash"]);
        Assert.Equal(1, run.Status);
        Assert.EndsWith("(daemon_unavailable)\n", run.Error);
        Assert.Equal(["raw", "restored"], terminal.Modes);
    }

    [Fact]
    public async Task A_refusal_leaves_the_terminal_alone()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        var terminal = new FakeTerminal { Size = new TerminalSize(100, 40) };
        daemon.Refuse("GET /v1/applications/web/exec", 409, ErrorCodes.WrongState, "application web is dormant; restore it first");
        using var keys = new Keys();
        var run = await CliRun.Of(daemon, AtTerminal(terminal, keys), ["exec", "web", "bash"]);
        Assert.Equal(new CliRun(1, "", "vni: application web is dormant; restore it first (wrong_state)\n"), run);
        Assert.Empty(terminal.Modes);
    }

    [Theory]
    [InlineData("-T", "?arg=bash")]
    [InlineData("-t", "?arg=bash&env=TERM%3Dxterm&tty=1&cols=100&rows=40")]
    public async Task A_terminal_can_be_refused_or_asked_for(string option, string query)
    {
        await using var daemon = await FakeDaemon.StartAsync();
        var terminal = new FakeTerminal { Size = new TerminalSize(100, 40) };
        OnExec(daemon, socket => ControlAsync(socket, """{"exit":0}"""));
        using var keys = new Keys();
        await CliRun.Of(daemon, AtTerminal(terminal, keys), ["exec", option, "web", "bash"]);
        Assert.Equal("GET /v1/applications/web/exec" + query, Assert.Single(daemon.Requests));
        Assert.Equal(option == "-T" ? [] : ["raw", "restored"], terminal.Modes);
    }

    [Fact]
    public async Task Without_a_terminal_the_first_interrupt_is_the_commands_and_the_second_ours()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        Interruption? interruption = null;
        var aborted = new TaskCompletionSource();
        OnExec(daemon, async socket =>
        {
            try
            {
                Assert.Equal("\0", await ReceiveAsync(socket));
                interruption!.Raise(2);
                Assert.Equal("""{"signal":2}""", await ReceiveAsync(socket));
                interruption.Raise(2);
                await Assert.ThrowsAnyAsync<Exception>(() => ReceiveAsync(socket));
                aborted.SetResult();
            }
            catch (Exception e)
            {
                aborted.SetException(e);
            }
        });
        var run = await CliRun.Of(daemon, host => host with { Interruption = interruption = host.Interruption }, ["exec", "web", "sleep"]);
        Assert.Equal(130, run.Status);
        await aborted.Task;
    }

    [Fact]
    public async Task Ctrl_C_ends_any_other_command_with_130_and_a_word_to_nobody()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        Interruption? interruption = null;
        daemon.On("POST /v1/applications/web/snapshot", context =>
        {
            interruption!.Raise(2);
            return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        var run = await CliRun.Of(daemon, host => host with { Interruption = interruption = host.Interruption }, ["snapshot", "web"]);
        Assert.Equal(new CliRun(130, "", ""), run);
    }

    [Fact]
    public async Task A_long_operation_says_on_the_terminal_what_it_is_and_cleans_up()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        var shown = new SeenStream("snapshotting web");
        daemon.On("POST /v1/applications/web/snapshot", async context =>
        {
            await shown.Seen;
            await context.Response.Body.WriteAsync("{}"u8.ToArray());
        });
        var run = await CliRun.Of(daemon, host => host with { Error = shown, ErrorTerminal = new ScreenTerminal(80, Colours: true) }, ["snapshot", "web"]);
        // The answer is none: what counts is that the cursor is back before the failure is told.
        Assert.Equal(1, run.Status);
        var told = shown.Text;
        Assert.True(told.LastIndexOf("\e[?25h", StringComparison.Ordinal) is var cursor and > 0 && cursor < told.IndexOf("vni: ", StringComparison.Ordinal));
    }

    private static Func<Host, Host> AtTerminal(FakeTerminal terminal, Stream keys) => host => host with
    {
        Input = keys,
        InputIsTerminal = true,
        Terminal = terminal,
        Environment = name => name == "TERM" ? "xterm" : host.Environment(name),
    };

    /// <summary>Gives some keys and then, like a terminal where nobody types, nothing.</summary>
    private sealed class Keys(string typed = "") : MemoryStream(Encoding.UTF8.GetBytes(typed))
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (await base.ReadAsync(buffer, cancellationToken) is var count and > 0) return count;
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return 0;
        }
    }

    /// <summary>Keeps what is written and tells when some words have been.</summary>
    private sealed class SeenStream(string words) : WriteOnlyStream
    {
        private readonly TaskCompletionSource _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly MemoryStream _all = new();

        public Task Seen => _seen.Task;

        public string Text
        {
            get
            {
                lock (_all) return Encoding.UTF8.GetString(_all.ToArray());
            }
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            lock (_all) _all.Write(buffer);
            if (Text.Contains(words, StringComparison.Ordinal)) _seen.TrySetResult();
        }
    }
}
