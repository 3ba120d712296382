using System.CommandLine;
using System.Text.Json.Serialization.Metadata;
using Vni.Client;
using Vni.Cli.CommandLine;
using Vni.Cli.Output;

namespace Vni.Cli;

/// <summary>One run of one command: its options, the daemon, and where to print.</summary>
internal sealed class CommandContext(Host host, ParseResult parse, GlobalOptions globals) : IDisposable
{
    private VniClient? _client;

    public Host Host => host;

    public bool Json { get; } = parse.GetValue(globals.Format) == "json";

    /// <summary>For people; unused when <see cref="Json"/>.</summary>
    public Screen Screen { get; } = new(host.Output, host.OutputTerminal);

    public VniClient Client => _client ??= new VniClient(SocketPath);

    /// <summary>The socket that <see cref="Client"/> asks.</summary>
    public string SocketPath => VniEndpoint.Resolve(parse.GetValue(globals.Socket), host.Environment);

    public TimeProvider Clock => host.Clock;

    public T? Get<T>(Option<T> option) => parse.GetValue(option);

    /// <summary>An argument's value; the parser has seen to it that one that must be there is there.</summary>
    public T Get<T>(Argument<T> argument) => parse.GetValue(argument)!;

    /// <summary>Prints a document in the form that was asked for.</summary>
    public void Print<T>(T value, JsonTypeInfo<T> type, Action<Screen> asText)
    {
        if (Json) JsonOutput.Document(host.Output, value, type);
        else asText(Screen);
    }

    /// <summary>Awaits a long operation, with a line on the terminal that says which.</summary>
    public Task<T> WaitAsync<T>(string what, Task<T> task) =>
        Waiting.ForAsync(new Screen(host.Error, Json ? null : host.ErrorTerminal), host.Error, host.Clock, what, task);

    /// <inheritdoc />
    public void Dispose() => _client?.Dispose();
}
