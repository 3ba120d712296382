namespace Vni.Actors.Registry;

/// <summary>A store that tells how it is; for people, and for checks of a farm's health.</summary>
public interface IRegistryStatus
{
    /// <summary>Asks the store, at the endpoint that is in use.</summary>
    /// <exception cref="RegistryUnavailableException">It does not answer.</exception>
    Task<RegistryStatus> GetStatusAsync(CancellationToken cancellationToken);
}

/// <param name="Version">Kind and version: <c>sqlite 3.50.4</c>, <c>lighthouse 0.1.0</c>, <c>etcd 3.4.23</c>.</param>
/// <param name="Endpoint">Who answered: a URL, or the path of the file.</param>
/// <param name="Leader">Id of the member that leads, in hexadecimal digits as etcd's tools write it; <c>null</c>: there is none, or the
/// store has one member only.</param>
/// <param name="Revision">The newest revision.</param>
/// <param name="Size">Bytes that the store takes on its disk.</param>
public sealed record RegistryStatus(string Version, string Endpoint, string? Leader, long Revision, long Size);
