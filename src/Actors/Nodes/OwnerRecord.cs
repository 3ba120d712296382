namespace Vni.Actors.Nodes;

/// <summary>The value of <c>owners/AID</c>, which exists exactly while a node may run the instance. Its bytes are compared,
/// so they are a function of node and epoch alone.</summary>
/// <param name="Node">The owner.</param>
/// <param name="Epoch">The application's epoch under this owner.</param>
internal sealed record OwnerRecord(string Node, long Epoch)
{
    /// <summary>Version of this record.</summary>
    public int Format { get; init; } = 1;
}
