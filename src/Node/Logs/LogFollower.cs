namespace Vni.Node.Logs;

/// <summary>Copies the logs of some processes of one application to one answer.</summary>
internal sealed class LogFollower
{
    private readonly List<(LogCursor Cursor, LinePrefixer? Prefixer)> _logs;
    private readonly Stream _output;

    /// <param name="processes">Their names; lines of several carry the name.</param>
    /// <param name="open">Opens the log of a process; <c>null</c> while there is none.</param>
    /// <param name="output">Where to.</param>
    internal LogFollower(IReadOnlyList<string> processes, Func<string, Stream?> open, Stream output)
    {
        _output = output;
        _logs = [.. processes.Select(p => (new LogCursor(() => open(p)), processes.Count > 1 ? new LinePrefixer(p, WriteAsync) : null))];
    }

    /// <summary>Leaves out all but the last lines of each log.</summary>
    internal async Task SkipToLastAsync(int lines, CancellationToken cancellationToken)
    {
        foreach (var (cursor, _) in _logs) await cursor.SkipToLastAsync(lines, cancellationToken);
    }

    /// <summary>Sends what is new; <c>false</c> when some log does not exist.</summary>
    internal async Task<bool> SendNewAsync(CancellationToken cancellationToken)
    {
        var (any, all) = (false, true);
        foreach (var (cursor, prefixer) in _logs)
        {
            var sent = await cursor.ReadAsync(prefixer is null ? WriteAsync : prefixer.WriteAsync, cancellationToken);
            any |= sent == true;
            all &= sent is not null;
        }

        if (any) await _output.FlushAsync(cancellationToken);
        return all;
    }

    /// <summary>Sends last lines that were not ended.</summary>
    internal async Task FinishAsync(CancellationToken cancellationToken)
    {
        foreach (var (_, prefixer) in _logs)
        {
            if (prefixer is not null) await prefixer.FinishAsync(cancellationToken);
        }
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => await _output.WriteAsync(data, cancellationToken);
}
