using Vni.Actors.Applications;
using Vni.Actors.Farms;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Actors.Resources;

namespace Vni.Actors.Nodes;

/// <content>Resource ids, and their translation in both directions [C3, C4].</content>
public sealed partial class ApplicationService
{
    /// <summary>The resource ids of an application, of one type or of all, by type and virtual id. They are up to a second old; those of
    /// an application that does not run have no system ids.</summary>
    public Task<IReadOnlyList<ResourceView>> ListResourcesAsync(Aid aid, ResourceType? type, CancellationToken cancellationToken)
    {
        var question = new ResourceQuestion(type is { } one ? ResourceNames.Of(one) : null, null);
        return RouteAsync(aid, FarmKinds.Resources, question, () => ResourcesHereAsync(aid, question, cancellationToken), cancellationToken);
    }

    /// <summary>What a virtual id stands for at this moment.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.UnknownResource"/>.</exception>
    public async Task<ResourceView> TranslateAsync(Aid aid, ResourceType type, string virtualId, CancellationToken cancellationToken)
    {
        var question = new ResourceQuestion(ResourceNames.Of(type), virtualId);
        return (await RouteAsync(aid, FarmKinds.Resources, question, () => ResourcesHereAsync(aid, question, cancellationToken), cancellationToken))[0];
    }

    /// <summary>Which application's a resource of a node is, and what that calls it.</summary>
    /// <param name="node">The node; <c>null</c>: this one.</param>
    /// <param name="type">The type.</param>
    /// <param name="system">What the node calls it.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.UnknownResource"/>, <see cref="ErrorCodes.ForeignResource"/>.</exception>
    public Task<ResourceView> TranslateSystemAsync(string? node, ResourceType type, string system, CancellationToken cancellationToken)
    {
        var resource = new SystemResource(ResourceNames.Of(type), system);
        if (node is null || node == _settings.Node) return GuardAsync(() => TranslateHereAsync(resource, cancellationToken));
        return _members.Members.ContainsKey(node)
            ? GuardAsync(() => _ports.Messenger.AskAsync(node, FarmKinds.Translate, resource, CommandId.New(), TimeSpan.FromSeconds(10), cancellationToken))
            : throw new VniException(ErrorCodes.NotFound, $"there is no node {DnsLabel.Quote(node)} in the farm; 'vni nodes' lists those there are");
    }

    private async Task<IReadOnlyList<ResourceView>> ResourcesHereAsync(Aid aid, ResourceQuestion question, CancellationToken cancellationToken)
    {
        ResourceType? type = question.Type is { } name ? ResourceNames.Parse(name) : null;
        var entries = await AskAsync<IReadOnlyList<ResourceEntry>>(aid, reply => new ResourceMessage.Read(Now: question.Virtual is not null, reply), cancellationToken);
        if (type is { } wanted && question.Virtual is { } virtualId) return [ResourceView.Of(aid, TableOf(aid, wanted, entries).Find(virtualId))];
        return
        [
            .. entries.Where(entry => type is null || entry.Type == type)
                .OrderBy(entry => entry.Type).ThenBy(entry => entry.Virtual.Length).ThenBy(entry => entry.Virtual, StringComparer.Ordinal)
                .Select(entry => ResourceView.Of(aid, entry)),
        ];
    }

    private async Task<ResourceView> TranslateHereAsync(SystemResource resource, CancellationToken cancellationToken)
    {
        var type = ResourceNames.Parse(resource.Type);
        var aid = await Task.Run(() => _ports.Access.FindHolder(type, resource.System), cancellationToken);
        var entries = await AskAsync<IReadOnlyList<ResourceEntry>>(aid, reply => new ResourceMessage.Read(Now: true, reply), cancellationToken);
        return ResourceView.Of(aid, TableOf(aid, type, entries).Find(_settings.Node, resource.System));
    }

    private static RidTable TableOf(Aid aid, ResourceType type, IReadOnlyList<ResourceEntry> entries)
    {
        var table = new RidTable(aid, type);
        foreach (var entry in entries.Where(entry => entry.Type == type)) table.Allocate(entry);
        return table;
    }
}
