using System.CommandLine;
using System.CommandLine.Completions;
using Vni.Actors;
using Vni.Client;
using Vni.Cli.CommandLine;

namespace Vni.Cli.Completion;

/// <summary>Arguments and options that name what the daemon knows; they complete to what there is.</summary>
internal sealed class DaemonNames(GlobalOptions globals, Host host)
{
    // Longer than a daemon that is well needs, shorter than a user who pressed Tab waits.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    /// <summary>One application.</summary>
    public Argument<string> Application() => Completed(new Argument<string>("AID") { Description = "Name of the application" });

    /// <summary>One application, or none.</summary>
    public Argument<string?> OptionalApplication() =>
        Completed(new Argument<string?>("AID") { Description = "Name of the application", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => null });

    /// <summary>One application or more.</summary>
    public Argument<string[]> Applications() =>
        Completed(new Argument<string[]>("AID") { Description = "Names of applications", Arity = ArgumentArity.OneOrMore });

    /// <summary>An option that names a snapshot.</summary>
    public Option<string?> Snapshot(string name, string description)
    {
        var option = FormedOptions.Text(name, "ID", description);
        option.CompletionSources.Add(context => Ask(context, async (client, cancellationToken) =>
            (await client.ListSnapshotsAsync(null, cancellationToken)).Select(s => new CompletionItem(s.Snapshot, detail: s.Aid))));
        return option;
    }

    /// <summary>One node.</summary>
    public Argument<string> Node()
    {
        var argument = new Argument<string>("NODE") { Description = "Name of the node" };
        argument.CompletionSources.Add(Nodes);
        return argument;
    }

    /// <summary>An option that names a node.</summary>
    public Option<string?> Node(string name, string description)
    {
        var option = FormedOptions.Text(name, "NODE", description);
        option.CompletionSources.Add(Nodes);
        return option;
    }

    private IEnumerable<CompletionItem> Nodes(CompletionContext context) => Ask(context, async (client, cancellationToken) =>
        (await client.ListNodesAsync(cancellationToken)).Select(n => new CompletionItem(n.Node, detail: n.Status)));

    private T Completed<T>(T argument)
        where T : Argument
    {
        argument.CompletionSources.Add(context => Ask(context, async (client, cancellationToken) =>
            (await client.ListApplicationsAsync(cancellationToken)).Select(a => new CompletionItem(a.Aid, detail: $"{a.Status} {a.Ip}"))));
        return argument;
    }

    private IEnumerable<CompletionItem> Ask(
        CompletionContext context, Func<VniClient, CancellationToken, Task<IEnumerable<CompletionItem>>> question)
    {
        try
        {
            using var patience = new CancellationTokenSource(s_patience, host.Clock);
            using var client = new VniClient(VniEndpoint.Resolve(context.ParseResult.GetValue(globals.Socket), host.Environment));
            return [.. question(client, patience.Token).GetAwaiter().GetResult()];
        }
        catch (Exception e) when (e is VniException or OperationCanceledException or InvalidOperationException)
        {
            // No daemon, or a line that is not complete yet: there is nothing to offer, and nowhere to say why.
            return [];
        }
    }
}
