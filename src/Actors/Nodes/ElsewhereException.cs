using Vni.Actors.Identity;

namespace Vni.Actors.Nodes;

/// <summary>An application was asked for at a node that is not its own.</summary>
/// <param name="aid">The application.</param>
/// <param name="node">Its node.</param>
internal sealed class ElsewhereException(Aid aid, string node) : Exception($"application {aid} is on node {node}")
{
    /// <summary>The node to ask.</summary>
    public string Node { get; } = node;

    /// <summary>For an asker who cannot be sent on.</summary>
    public VniException ToRefusal() => new(ErrorCodes.Conflict, $"{Message}; ask there", this);
}
