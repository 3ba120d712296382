namespace Vni.Actors.Identity;

/// <summary>The value of <c>addresses/IP</c>, <c>hostnames/NAME</c> and <c>aids/AID</c>: who holds it.</summary>
/// <param name="Aid">The application.</param>
internal sealed record HolderRecord(Aid Aid)
{
    /// <summary>Version of this record.</summary>
    public int Format { get; init; } = 1;
}
