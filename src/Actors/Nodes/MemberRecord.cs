using Vni.Actors.Snapshots;

namespace Vni.Actors.Nodes;

/// <summary>The value of <c>members/NODE</c>: there while the node's lease lives.</summary>
/// <param name="Node">The node.</param>
/// <param name="Platform">What it offers to processes.</param>
internal sealed record MemberRecord(string Node, PlatformFacts Platform)
{
    /// <summary>Version of this record.</summary>
    public int Format { get; init; } = 1;
}
