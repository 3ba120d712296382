using System.Text.Json;
using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Etcd;

/// <summary>
/// One watch over any number of connections: Connecting, Reading, and when that fails Connecting again (at the next
/// endpoint, from the revision after the last batch that was handed out). It ends when the registry is closed, when it is
/// cancelled, or when what is to come next is no longer kept. Used by one caller at a time.
/// </summary>
internal sealed class EtcdWatch : IAsyncDisposable
{
    private readonly EtcdCaller _caller;
    private readonly EtcdRegistryOptions _options;
    private readonly WatchCreateRequest _request;
    private readonly CancellationToken _cancelled;
    private readonly CancellationTokenSource _ending;
    private readonly Queue<WatchBatch> _ready = new();
    private readonly List<Change> _fragments = [];
    private WatchConnection? _connection;
    private long _next;
    private int _failures;

    public EtcdWatch(EtcdCaller caller, EtcdRegistryOptions options, WatchCreateRequest request, CancellationToken cancellationToken)
    {
        (_caller, _options, _request, _cancelled) = (caller, options, request, cancellationToken);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, caller.Closing);
    }

    /// <summary>The next batch; <c>null</c> when the registry is closed.</summary>
    /// <param name="start">The first revision.</param>
    public async Task<WatchBatch?> NextAsync(Task<long> start)
    {
        try
        {
            if (_next == 0) _next = await start;
            while (_ready.Count == 0) await ReadAsync();
            var batch = _ready.Dequeue();
            _next = batch.Revision + 1;
            return batch;
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException && _caller.Closing.IsCancellationRequested)
        {
            return null;
        }
        catch (OperationCanceledException) when (_cancelled.IsCancellationRequested)
        {
            throw new OperationCanceledException(_cancelled);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await DisconnectAsync();
        _ending.Dispose();
    }

    /// <summary>Takes one message, over a new connection if need be.</summary>
    private async Task ReadAsync()
    {
        _ending.Token.ThrowIfCancellationRequested();
        var endpoint = _connection?.Endpoint ?? _caller.Endpoints.Current;
        try
        {
            _connection ??= await WatchConnection.OpenAsync(_caller.Transport, endpoint, _request with { StartRevision = _next }, _ending.Token);
            Take(await _connection.ReadAsync(_options, _ending.Token));
        }
        catch (AttemptFailedException)
        {
            await DisconnectAsync();
            _caller.Endpoints.Leave(endpoint);
            if (_caller.Pause(_failures++) is { Ticks: > 0 } pause) await Task.Delay(pause, _options.Time, _ending.Token);
        }
    }

    private void Take(WatchEnvelope envelope)
    {
        if (envelope.Error is { Message: var text } error) throw Refused(error.GrpcCode, text ?? "the watch was refused");
        if (envelope.Result is not { } response) return;
        if (response.CompactRevision > 0) throw new CompactedException(response.CompactRevision);
        if (response.Canceled) throw Refused(GrpcCodes.Unavailable, response.CancelReason is { Length: > 0 } reason ? reason : "the watch was cancelled");
        _failures = 0;
        foreach (var happened in response.Events ?? []) _fragments.Add(WireForm.Read(happened));
        if (response.Fragment) return; // The rest of a revision may be in the next message.
        foreach (var changes in _fragments.GroupBy(change => change.Pair.ModRevision))
        {
            if (changes.Key >= _next) _ready.Enqueue(new(changes.Key, [.. changes]));
        }

        _fragments.Clear();
    }

    private static Exception Refused(int code, string text) => ServerError.Explain(code, text) switch
    {
        ArgumentException or RegistryUnavailableException => new RegistryUnavailableException($"The registry refuses the watch: {text}"),
        AttemptFailedException failed => failed,
        var other => new AttemptFailedException(text, applied: false, other),
    };

    private async Task DisconnectAsync()
    {
        _fragments.Clear();
        if (_connection is null) return;
        await _connection.DisposeAsync();
        _connection = null;
    }
}
