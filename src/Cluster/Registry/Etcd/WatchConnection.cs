using System.Text.Json;

namespace Vni.Cluster.Registry.Etcd;

/// <summary>A watch at one endpoint: an answer that does not end, of JSON objects one after the other.</summary>
internal sealed class WatchConnection : IAsyncDisposable
{
    private readonly EtcdTransport _transport;
    private readonly HttpResponseMessage _response;
    private readonly IAsyncEnumerator<WatchEnvelope?> _messages;
    private readonly byte[] _key;
    private Task<bool>? _reading;

    private WatchConnection(EtcdTransport transport, Uri endpoint, HttpResponseMessage response, Stream body, byte[] key)
    {
        (_transport, Endpoint, _response, _key) = (transport, endpoint, response, key);
        _messages = JsonSerializer.DeserializeAsyncEnumerable(body, EtcdJson.Default.WatchEnvelope, topLevelValues: true).GetAsyncEnumerator();
    }

    public Uri Endpoint { get; }

    /// <exception cref="AttemptFailedException">It could not be opened.</exception>
    public static async Task<WatchConnection> OpenAsync(EtcdTransport transport, Uri endpoint, WatchCreateRequest request, CancellationToken cancellationToken)
    {
        var call = new Call<WatchRequest, WatchEnvelope>(
            EtcdPaths.Watch, new WatchRequest { CreateRequest = request }, EtcdJson.Default.WatchRequest, EtcdJson.Default.WatchEnvelope, repeatable: true);
        var response = await transport.OpenAsync(call, endpoint, cancellationToken);
        try
        {
            return new(transport, endpoint, response, await response.Content.ReadAsStreamAsync(cancellationToken), request.Key ?? []);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>The next message. While none comes, the endpoint is asked for the newest revision now and then: one that hangs, or was
    /// cut off, would otherwise be silent for ever.</summary>
    /// <exception cref="AttemptFailedException">The connection is broken or the endpoint does not answer.</exception>
    public async Task<WatchEnvelope> ReadAsync(EtcdRegistryOptions options, CancellationToken cancellationToken)
    {
        try
        {
            _reading ??= _messages.MoveNextAsync().AsTask();
            while (!await EndedAsync(_reading, options, cancellationToken))
                await _transport.AskAsync(EtcdRegistry.RangeCall(new() { Key = _key, CountOnly = true }), Endpoint, cancellationToken);
            var more = await _reading;
            _reading = null;
            return more && _messages.Current is { } message ? message : throw new AttemptFailedException("the watch was ended", applied: false);
        }
        catch (Exception e) when (EtcdTransport.Broken(e))
        {
            throw new AttemptFailedException(EtcdTransport.Describe(e), applied: false, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _response.Dispose(); // Ends the read that is under way.
        if (_reading is not null) await ((Task)_reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _messages.DisposeAsync();
    }

    /// <summary>Whether something was read before the time for a check came.</summary>
    private static async Task<bool> EndedAsync(Task<bool> reading, EtcdRegistryOptions options, CancellationToken cancellationToken)
    {
        try
        {
            await reading.WaitAsync(options.WatchCheck, options.Time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return reading.IsCompleted;
        }
    }
}
