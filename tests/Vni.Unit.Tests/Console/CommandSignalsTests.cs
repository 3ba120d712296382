using Vni.Cli.Interactive;
using Vni.Cli.Terminal;
using Vni.Cli.Values;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class CommandSignalsTests
{
    [Fact]
    public void An_interrupt_ends_the_command_and_not_the_console()
    {
        using var console = new Interruption();
        using var signals = new CommandSignals(console);
        using var command = signals.Begin();
        console.Raise(Signals.Interrupt);
        Assert.Equal((true, false), (command.Token.IsCancellationRequested, console.Token.IsCancellationRequested));
    }

    [Fact]
    public void An_interrupt_that_is_heard_late_is_nobodys()
    {
        using var console = new Interruption();
        using var signals = new CommandSignals(console);
        using (signals.Begin()) signals.End();
        console.Raise(Signals.Interrupt);
        Assert.False(console.Token.IsCancellationRequested);
    }

    [Fact]
    public void What_ends_a_program_ends_both()
    {
        using var console = new Interruption();
        using var signals = new CommandSignals(console);
        using var command = signals.Begin();
        console.Raise(Signals.Terminate);
        Assert.Equal((143, 143), (command.ExitStatus, console.ExitStatus));
        Assert.True(command.Token.IsCancellationRequested && console.Token.IsCancellationRequested);
    }
}
