using Microsoft.Win32.SafeHandles;
using Vni.Actors.Interposition;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Instances;

/// <summary>A program in the namespaces of an instance, with the harness that watches over it outside.</summary>
/// <param name="harness">The harness; its exit status is the visitor's.</param>
/// <param name="control">While it is open the harness lets the visitor live.</param>
/// <param name="terminal">Master of the visitor's terminal; <c>null</c>: it has pipes.</param>
/// <param name="input">Standard input.</param>
/// <param name="output">Standard output.</param>
/// <param name="error">Standard error.</param>
internal sealed class Visitor(SpawnedProcess harness, SeqPacketSocket control, SafeFileHandle? terminal, Stream input, Stream output, Stream error) : IVisitor
{
    /// <inheritdoc />
    public Stream Input => input;

    /// <inheritdoc />
    public Stream Output => output;

    /// <inheritdoc />
    public Stream Error => error;

    /// <inheritdoc />
    public Task<int> Exited => harness.Exited;

    /// <inheritdoc />
    public void Resize(int columns, int rows)
    {
        if (terminal is { IsClosed: false } && columns is > 0 and <= ushort.MaxValue && rows is > 0 and <= ushort.MaxValue) Libc.SetWindowSize(terminal, columns, rows);
    }

    /// <inheritdoc />
    public void Signal(int signal)
    {
        if (signal == Libc.SIGKILL) control.Dispose(); // The harness could not pass this one on.
        else harness.Kill(signal);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        control.Dispose();
        await harness.Exited.ConfigureAwait(false);
        harness.Dispose();
        await input.DisposeAsync().ConfigureAwait(false);
        await output.DisposeAsync().ConfigureAwait(false);
        await error.DisposeAsync().ConfigureAwait(false);
        terminal?.Dispose();
    }
}
