using Vni.Actors.Identity;
using Vni.Actors.Messages;

namespace Vni.Client;

/// <summary>The applications of a farm.</summary>
public sealed class VniApplications
{
    private readonly VniClient _client;

    internal VniApplications(VniClient client) => _client = client;

    /// <summary>The application of a name, which need not exist yet: that is seen when it is asked.</summary>
    /// <exception cref="Vni.Actors.VniException"><see cref="Vni.Actors.ErrorCodes.InvalidArgument"/>: not a name.</exception>
    public VniApplication this[string aid] => new(_client, Aid.Parse(aid).Value);

    /// <summary>All of them as they are now, in order of name.</summary>
    public Task<IReadOnlyList<ApplicationView>> ListAsync(CancellationToken cancellationToken = default) => _client.ListApplicationsAsync(cancellationToken);
}
