using System.Runtime.InteropServices;
using Vni.Cli;
using Vni.Cli.Terminal;
using Vni.Cli.Values;

using var interruption = new Interruption();
using var onInterrupt = On(PosixSignal.SIGINT, Signals.Interrupt);
using var onTerminate = On(PosixSignal.SIGTERM, Signals.Terminate);
using var onHangup = On(PosixSignal.SIGHUP, Signals.Hangup);
return await new VniCommand(Host.OfProcess(interruption)).RunAsync(args);

PosixSignalRegistration On(PosixSignal signal, int number) => PosixSignalRegistration.Create(signal, context =>
{
    context.Cancel = true;
    interruption.Raise(number);
});
