using System.CommandLine;
using Vni.Cli.CommandLine;
using Vni.Cli.Completion;

namespace Vni.Cli.Commands;

/// <summary><c>vni completion SHELL</c>: prints the script that makes a shell complete vni's words.</summary>
internal sealed class CompletionCommand(VniCommand cli)
{
    public Command Create()
    {
        var shell = FormedOptions.Choice(new Argument<string>("SHELL") { Description = "bash, zsh or fish" }, "bash", "zsh", "fish");
        var command = new Command("completion", "Print a completion script, as in: source <(vni completion bash)") { shell };
        cli.SetAction(command, (context, _) =>
        {
            context.Screen.Write(CompletionScripts.Of(context.Get(shell)));
            return Task.FromResult(0);
        });
        return command;
    }
}
