using Vni.Client.Exec;

namespace Vni.Cli.Terminal;

/// <summary>The terminal that the user sits at.</summary>
internal interface ITerminal
{
    /// <summary>Its size; <c>null</c> when output goes elsewhere.</summary>
    TerminalSize? Size { get; }

    /// <summary>Passes every key on unchanged, Ctrl-C included, until the result is disposed.</summary>
    IDisposable EnterRaw();

    /// <summary>Calls back after each change of size, until the result is disposed.</summary>
    IDisposable OnResize(Action changed);
}
