using System.CommandLine;
using Vni.Client;

namespace Vni.Cli.CommandLine;

/// <summary>What every command takes.</summary>
internal sealed class GlobalOptions
{
    public Option<string> Format { get; } = FormedOptions.Choice(
        new Option<string>("--output", "-o")
        {
            Description = "How to print: text for people, json for programs [default: text]",
            DefaultValueFactory = _ => "text",
            Recursive = true,
        },
        "text",
        "json");

    public Option<string?> Socket { get; } = new("--socket")
    {
        Description = $"Socket of the daemon [default: ${VniEndpoint.SocketVariable}, else {VniEndpoint.DefaultSocket}]",
        HelpName = "PATH",
        Recursive = true,
    };
}
