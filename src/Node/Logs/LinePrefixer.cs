using System.Text;

namespace Vni.Node.Logs;

/// <summary>Puts <c>NAME | </c> before every line of one of several logs, and passes on whole lines only, so that lines of
/// different processes never mix.</summary>
internal sealed class LinePrefixer(string name, Func<ReadOnlyMemory<byte>, CancellationToken, Task> sink)
{
    /// <summary>A line that is longer is passed on in pieces, in bytes.</summary>
    private const int MaximumLine = 64 * 1024;

    private readonly byte[] _prefix = Encoding.UTF8.GetBytes($"{name} | ");
    private readonly List<byte> _line = [];

    /// <summary>Takes a piece of the log.</summary>
    internal async Task WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var whole = new List<byte>();
        foreach (var value in data.Span)
        {
            if (_line.Count == 0) _line.AddRange(_prefix);
            _line.Add(value);
            if (value != '\n' && _line.Count < MaximumLine) continue;
            if (value != '\n') _line.Add((byte)'\n');
            whole.AddRange(_line);
            _line.Clear();
        }

        if (whole.Count > 0) await sink(whole.ToArray(), cancellationToken);
    }

    /// <summary>Passes on a last line that has no line feed yet.</summary>
    internal async Task FinishAsync(CancellationToken cancellationToken)
    {
        if (_line.Count == 0) return;
        _line.Add((byte)'\n');
        await sink(_line.ToArray(), cancellationToken);
        _line.Clear();
    }
}
