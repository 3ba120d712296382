using Vni.Actors.Messages;

namespace Vni.Cli.Output;

/// <summary>What <c>vni top</c> shows, once.</summary>
internal sealed record TopDocument(ClusterView Cluster, IReadOnlyList<ApplicationView> Applications);
