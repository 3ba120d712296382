using Vni.Client.Exec;

namespace Vni.Client;

public sealed partial class VniClient
{
    /// <summary>Runs a program in an instance; returns when it has been started.</summary>
    public async Task<ExecSession> ExecAsync(string aid, ExecRequest request, CancellationToken cancellationToken = default) =>
        new(await ExecHandshake.OpenAsync(_transport, PathOf(aid, "/exec" + request.Query()), cancellationToken), SocketPath);
}
