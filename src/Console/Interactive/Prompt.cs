using System.Text;
using Vni.Cli.Completion;
using Vni.Cli.Output;

namespace Vni.Cli.Interactive;

/// <summary>Reads lines from the terminal. It is in raw mode only while a line is typed, so that commands have it as they expect it.</summary>
internal sealed class Prompt(Host host, History history, Func<string, IReadOnlyList<Candidate>> complete)
{
    private const int BufferSize = 1024;

    // More candidates than these, and their descriptions would fill the screen.
    private const int MostDescribed = 20;

    private readonly KeyDecoder _decoder = new();
    private readonly Queue<byte> _ahead = new();
    private readonly Lock _painting = new();

    /// <summary>A line; <c>null</c>: there are no more.</summary>
    public async Task<string?> ReadAsync(string prompt, CancellationToken cancellationToken)
    {
        using var raw = host.Terminal.EnterRaw();
        var editor = new LineEditor(history.Lines);
        using var resized = host.Terminal.OnResize(() => Paint(prompt, editor));
        Paint(prompt, editor);
        while (true)
        {
            if (await NextAsync(cancellationToken) is not { } b) return End("\r\n", null);
            if (_decoder.Feed(b) is not { } key) continue;
            EditResult result;
            lock (_painting) result = editor.Press(key);
            switch (result)
            {
                case EditResult.Accepted: return End("\r\n", editor.Text);
                case EditResult.Cancelled: return End("^C\r\n", "");
                case EditResult.Ended: return End("exit\r\n", null);
                case EditResult.Complete: Complete(editor); break;
                case EditResult.ClearScreen: Write("\e[H\e[2J"); break;
                default: break;
            }

            // What was pasted is painted once.
            if (_ahead.Count == 0) Paint(prompt, editor);
        }

        string? End(string mark, string? line)
        {
            lock (_painting) editor.Press(new Key(KeyKind.End));
            Paint(prompt, editor);
            Write(mark);
            return line;
        }
    }

    private async Task<byte?> NextAsync(CancellationToken cancellationToken)
    {
        if (_ahead.Count == 0)
        {
            var buffer = new byte[BufferSize];
            var count = await host.Input.ReadAsync(buffer, cancellationToken);
            foreach (var b in buffer.AsSpan(0, count)) _ahead.Enqueue(b);
        }

        return _ahead.TryDequeue(out var next) ? next : null;
    }

    private void Complete(LineEditor editor)
    {
        var before = editor.Text[..editor.Cursor];
        var word = before[(before.LastIndexOf(' ') + 1)..];
        var candidates = complete(before);
        if (candidates.Count == 0) return;
        var common = candidates.Select(c => c.Word).Aggregate(Common);
        // A folder-like candidate goes on; a whole word is followed by the next.
        var rest = common[Math.Min(word.Length, common.Length)..] + (candidates.Count == 1 && !common.EndsWith('/') ? " " : "");
        if (rest.Length > 0)
        {
            lock (_painting) editor.Insert(rest);
            return;
        }

        Write("\r\n" + List(candidates).Replace("\n", "\r\n"));
    }

    private string List(IReadOnlyList<Candidate> candidates)
    {
        var width = host.OutputTerminal?.Columns ?? 80;
        if (candidates.Count > MostDescribed) return Cut(string.Join("  ", candidates.Select(c => c.Word)), width * 4) + "\n";
        var longest = candidates.Max(c => c.Word.Length);
        return string.Concat(candidates.Select(c => Cut($"{c.Word.PadRight(longest)}  {c.About}", width - 1) + "\n"));

        static string Cut(string text, int length)
        {
            var safe = Printable.Escape(text).TrimEnd();
            return safe.Length <= length ? safe : safe[..length];
        }
    }

    private static string Common(string a, string b) => a[..a.AsSpan().CommonPrefixLength(b)];

    private void Paint(string prompt, LineEditor editor)
    {
        lock (_painting) Write(LineView.Paint(prompt, editor.Text, editor.Cursor, host.Terminal.Size?.Columns ?? 80));
    }

    private void Write(string text) => host.Output.Write(Encoding.UTF8.GetBytes(text));
}
