using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni registry get PREFIX</c>: what the farm's store holds.</summary>
internal sealed class RegistryCommand(VniCommand cli)
{
    private const int DefaultLimit = 100;

    private readonly Argument<string> _prefix = new("PREFIX")
    {
        Description = "Beginning of the keys, behind the farm's own, such as applications/ [default: all]",
        Arity = ArgumentArity.ZeroOrOne,
        DefaultValueFactory = _ => "",
    };

    private readonly Option<int> _limit = new("--limit") { Description = $"Most pairs to show [default: {DefaultLimit}]", HelpName = "N", DefaultValueFactory = _ => DefaultLimit };

    public Command Create()
    {
        _prefix.CompletionSources.Add("applications/", "owners/", "members/", "addresses/", "hostnames/", "aids/", "events/", "snapshots/", "leader/");
        _limit.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, out var limit) && limit >= 1)) result.AddError("--limit needs a number from 1 on");
        });
        var get = new Command("get", "Show pairs of the registry") { _limit, _prefix };
        cli.SetAction(get, async (context, cancellationToken) =>
        {
            var pairs = await context.Client.ReadRegistryAsync(context.Get(_prefix), context.Get(_limit), cancellationToken);
            context.Print(pairs, VniJson.Default.IReadOnlyListRegistryPairView, screen => InsideText.WritePairs(screen, pairs));
            return 0;
        });
        return new Command("registry", "Look into the farm's store") { get };
    }
}
