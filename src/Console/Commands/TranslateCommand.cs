using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.Completion;
using Vni.Cli.CommandLine;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni translate AID TYPE VIRTUAL</c> and <c>vni translate [--node N] TYPE SYSTEM</c>: one resource id into the other.</summary>
internal sealed class TranslateCommand(VniCommand cli, DaemonNames names)
{
    private readonly Option<string?> _node = names.Node("--node", "Node of a system id; default: the one that is asked");
    private readonly Argument<string[]> _words = new("[AID] TYPE ID")
    {
        Description = "Application, type and virtual id; or type and the node's id, such as a pid from top",
        Arity = new ArgumentArity(2, 3),
    };

    public Command Create()
    {
        var applications = names.Application().CompletionSources;
        _words.CompletionSources.Add(context => [.. ResourceTypes.Completions, .. applications.SelectMany(source => source(context))]);
        _words.Validators.Add(result =>
        {
            var words = result.Tokens.Select(token => token.Value).ToArray();
            if (words.Length is not (2 or 3)) return; // Said by the arity.
            if (words.Length == 3 && result.GetResult(_node) is not null) result.AddError("--node goes with TYPE and the node's id alone: an application's node is known");
            if (words[^1].Length == 0) result.AddError("the resource's id is empty: give one, as 'vni rids AID' shows them");
            if (ResourceTypes.ProblemOf(words[^2]) is { } problem) result.AddError(problem);
        });
        var command = new Command("translate", "Translate a resource id: from an application's to its node's, or from a node's to the application's") { _words, _node };
        cli.SetAction(command, async (context, cancellationToken) =>
        {
            var resource = context.Get(_words) switch
            {
                [var aid, var type, var id] => await context.Client.TranslateAsync(aid, type, id, cancellationToken),
                var words => await context.Client.TranslateSystemAsync(words[0], words[1], context.Get(_node), cancellationToken),
            };
            context.Print(resource, VniJson.Default.ResourceView, screen => ResourceText.Write(screen, resource, context.Clock));
            return 0;
        });
        return command;
    }
}
