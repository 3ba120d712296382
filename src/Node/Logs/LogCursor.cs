namespace Vni.Node.Logs;

/// <summary>How far a log has been read.</summary>
/// <remarks>
/// The file is opened anew for every read, because a restore replaces it by the one of the snapshot, whose beginning is
/// what was read already. A file that has become shorter (truncated, or gone back to an earlier snapshot) is read from
/// its beginning: rather a line twice than a line lost. An application that truncates and rewrites more than was there
/// between two reads escapes this, as it does <c>tail -F</c>.
/// </remarks>
/// <param name="open">Opens the log, seekable; <c>null</c> while there is none.</param>
internal sealed class LogCursor(Func<Stream?> open)
{
    private const int ChunkSize = 32 * 1024;

    /// <summary>How far back the last lines are looked for, in bytes: the file is the application's, and may be any size.</summary>
    private const long MaximumTail = 64L * 1024 * 1024;

    private readonly byte[] _chunk = new byte[ChunkSize];
    private long _position;

    /// <summary>Moves to the beginning of the last <paramref name="lines"/> lines of what is there now.</summary>
    internal async Task SkipToLastAsync(int lines, CancellationToken cancellationToken)
    {
        await using var log = open();
        if (log is null) return;
        _position = log.Length;
        if (lines == 0) return;
        var seen = 0;
        for (var end = log.Length; end > 0 && log.Length - end < MaximumTail;)
        {
            var start = Math.Max(0, end - ChunkSize);
            log.Position = start;
            var count = await log.ReadAtLeastAsync(_chunk.AsMemory(0, (int)(end - start)), (int)(end - start), throwOnEndOfStream: false, cancellationToken);
            for (var i = count - 1; i >= 0; i--)
            {
                // The line feed at the very end closes the last line; every other one opens the line after it.
                if (_chunk[i] != '\n' || start + i == log.Length - 1) continue;
                if (++seen < lines) continue;
                _position = start + i + 1;
                return;
            }

            end = start;
        }

        _position = Math.Max(0, log.Length - MaximumTail);
    }

    /// <summary>Passes on what has been added since the last read, up to what is there when it begins.</summary>
    /// <returns>Whether anything was passed on; <c>null</c>: there is no log.</returns>
    internal async Task<bool?> ReadAsync(Func<ReadOnlyMemory<byte>, CancellationToken, Task> sink, CancellationToken cancellationToken)
    {
        await using var log = open();
        if (log is null) return null;
        var end = log.Length;
        if (end < _position) _position = 0;
        if (end == _position) return false;
        log.Position = _position;
        while (_position < end)
        {
            var count = await log.ReadAsync(_chunk.AsMemory(0, (int)Math.Min(ChunkSize, end - _position)), cancellationToken);
            if (count == 0) break; // It was truncated meanwhile.
            await sink(_chunk.AsMemory(0, count), cancellationToken);
            _position += count;
        }

        return true;
    }
}
