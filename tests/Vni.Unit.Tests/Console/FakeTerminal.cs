using Vni.Client.Exec;
using Vni.Cli.Terminal;

namespace Vni.Unit.Tests.Cli;

/// <summary>A terminal that records its modes.</summary>
internal sealed class FakeTerminal : ITerminal
{
    private Action? _changed;

    public TerminalSize? Size { get; set; }

    /// <summary>What was done, in order: <c>raw</c>, <c>restored</c>.</summary>
    public List<string> Modes { get; } = [];

    public IDisposable EnterRaw()
    {
        Modes.Add("raw");
        return new Ended(() => Modes.Add("restored"));
    }

    public IDisposable OnResize(Action changed)
    {
        _changed = changed;
        return new Ended(() => _changed = null);
    }

    public void Resize(int columns, int rows)
    {
        Size = new TerminalSize(columns, rows);
        _changed?.Invoke();
    }

    private sealed class Ended(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
