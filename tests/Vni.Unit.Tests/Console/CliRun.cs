using System.Text;
using Vni.Cli;
using Vni.Cli.Output;
using Vni.Cli.Terminal;
using Vni.Unit.Tests.Client;

namespace Vni.Unit.Tests.Cli;

/// <summary>One run of the whole command line in this process, and what came of it.</summary>
internal sealed record CliRun(int Status, string Output, string Error)
{
    /// <summary>Runs <c>vni</c> with these words, and <c>--socket</c> of the daemon if there is one.</summary>
    public static async Task<CliRun> Of(FakeDaemon? daemon, params string[] args) => await Of(daemon, null, args);

    public static async Task<CliRun> Of(FakeDaemon? daemon, Func<Host, Host>? change, string[] args)
    {
        using var interruption = new Interruption();
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        var host = new Host
        {
            Input = Stream.Null,
            Output = output,
            Error = error,
            Terminal = new FakeTerminal(),
            Interruption = interruption,
            Environment = name => name == "VNI_SOCKET" ? daemon?.SocketPath ?? "/nonexistent/vnid.sock" : null,
            Clock = new FixedClock(Examples.Noon),
        };
        var status = await new VniCommand(change?.Invoke(host) ?? host).RunAsync(args);
        return new CliRun(status, Text(output), Text(error));
    }

    /// <summary>As a person at a terminal of 100 columns without colours sees it.</summary>
    public static Task<CliRun> OnTerminal(FakeDaemon? daemon, bool colours, params string[] args) =>
        Of(daemon, host => host with { OutputTerminal = new ScreenTerminal(100, colours), ErrorTerminal = new ScreenTerminal(100, colours) }, args);

    private static string Text(MemoryStream stream) => Encoding.UTF8.GetString(stream.ToArray());
}
