namespace Vni.Node.Logs;

/// <summary>Copies the logs of some processes of one application to one answer.</summary>
internal sealed class LogFollower
{
    private readonly List<Log> _logs = [];
    private readonly Func<string, Stream?> _open;
    private readonly Stream _output;

    /// <param name="processes">Their names; lines of several carry the name.</param>
    /// <param name="open">Opens the log of a process; <c>null</c> while there is none.</param>
    /// <param name="output">Where to.</param>
    internal LogFollower(IReadOnlyList<string> processes, Func<string, Stream?> open, Stream output)
    {
        (_open, _output) = (open, output);
        Add(processes);
    }

    /// <summary>Shows processes that have joined, too, and from then on the name before each line.</summary>
    internal void Add(IEnumerable<string> processes)
    {
        foreach (var process in processes.Where(p => !_logs.Exists(log => log.Process == p)).ToList())
            _logs.Add(new Log(process, new LogCursor(() => _open(process)), new LinePrefixer(process, WriteAsync)));
    }

    /// <summary>Leaves out all but the last lines of each log.</summary>
    internal async Task SkipToLastAsync(int lines, CancellationToken cancellationToken)
    {
        foreach (var log in _logs) await log.Cursor.SkipToLastAsync(lines, cancellationToken);
    }

    /// <summary>Sends what is new; <c>false</c> when some log does not exist.</summary>
    internal async Task<bool> SendNewAsync(CancellationToken cancellationToken)
    {
        var (any, all) = (false, true);
        foreach (var log in _logs)
        {
            var sent = await log.Cursor.ReadAsync(_logs.Count > 1 ? log.Prefixer.WriteAsync : WriteAsync, cancellationToken);
            any |= sent == true;
            all &= sent is not null;
        }

        if (any) await _output.FlushAsync(cancellationToken);
        return all;
    }

    /// <summary>Sends last lines that were not ended.</summary>
    internal async Task FinishAsync(CancellationToken cancellationToken)
    {
        foreach (var log in _logs) await log.Prefixer.FinishAsync(cancellationToken);
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => await _output.WriteAsync(data, cancellationToken);

    private sealed record Log(string Process, LogCursor Cursor, LinePrefixer Prefixer);
}
