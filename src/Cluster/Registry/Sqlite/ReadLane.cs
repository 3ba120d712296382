using Microsoft.Data.Sqlite;

namespace Vni.Cluster.Registry.Sqlite;

/// <summary>The reading connection: one read at a time, on the thread pool, never behind a write to disk.</summary>
internal sealed class ReadLane(string path) : IAsyncDisposable
{
    private readonly SqliteConnection _connection = RegistryFile.OpenForReading(path);
    private readonly SemaphoreSlim _turn = new(1, 1);
    private StoreReader? _reader;
    private bool _disposed;

    /// <exception cref="ObjectDisposedException">The registry is closed.</exception>
    public async Task<T> RunAsync<T>(Func<StoreReader, T> read, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_disposed) throw new ObjectDisposedException(nameof(SqliteRegistry), $"Registry {path} is closed.");
            // A file must not be read on the caller's thread, which may be an actor's turn.
            return await Task.Run(() => (_reader ??= new(_connection)).Consistently(read), CancellationToken.None);
        }
        catch (SqliteException e)
        {
            throw SqliteFailure.Explain(path, e);
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        _disposed = true;
        _reader?.Dispose();
        _connection.Dispose();
        _turn.Release();
    }
}
