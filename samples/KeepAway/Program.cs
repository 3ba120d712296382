// Keeps one application off the node on which most applications run:
//   dotnet run -- AID                                                     on a node, over its unix socket
//   dotnet run -- AID CERTIFICATE KEY AUTHORITY https://node1:7117 ...    from anywhere, as an operator
using System.Runtime.InteropServices;
using Vni.Actors;
using Vni.Actors.Security;
using Vni.Client;

if (args is not ([_] or [_, _, _, _, _, ..]))
{
    Console.Error.WriteLine("usage: KeepAway AID [CERTIFICATE KEY AUTHORITY https://NODE:PORT ...]");
    return 2;
}

using var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => { context.Cancel = true; stop.Cancel(); });
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => { context.Cancel = true; stop.Cancel(); });

var options = args.Length == 1
    ? new VniFarmOptions()
    : new VniFarmOptions { Tls = new TlsFiles(args[1], args[2], args[3]), Seeds = [.. args[4..].Select(seed => new Uri(seed))] };

while (!stop.IsCancellationRequested)
{
    try
    {
        using var farm = await VniFarm.ConnectAsync(options, stop.Token);
        await KeepAsync(farm, farm.Applications[args[0]], stop.Token);
    }
    catch (OperationCanceledException) when (stop.IsCancellationRequested)
    {
        break;
    }
    catch (VniException e) when (e.Code is ErrorCodes.DaemonUnavailable)
    {
        // The node that we watched with has ended; the next one goes on, when there is one.
        Console.Error.WriteLine(e.Message);
        await Task.Delay(TimeSpan.FromSeconds(2)).WaitAsync(stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
    catch (VniException e)
    {
        Console.Error.WriteLine($"{e.Message} ({e.Code})");
        return 1;
    }
}

return 0;

static async Task KeepAsync(VniFarm farm, VniApplication application, CancellationToken cancellationToken)
{
    // Watching begins before looking, so that nothing that happens in between is missed.
    var events = farm.WatchAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
    await using var watching = events;
    do
    {
        var here = (await application.GetAsync(cancellationToken)).Node;
        var nodes = (await farm.ListNodesAsync(cancellationToken)).Where(node => node.Status == "up").OrderBy(node => node.Running).ToList();
        if (nodes.Count < 2 || nodes[^1].Node != here || nodes[0].Running + 1 >= nodes[^1].Running) continue;
        try
        {
            var moved = await application.MigrateAsync(nodes[0].Node, cancellationToken: cancellationToken);
            Console.WriteLine($"{application.Aid} moved from {moved.From} to {moved.To}, frozen for {moved.FreezeMilliseconds:0} ms");
        }
        catch (VniException e) when (e.Code is ErrorCodes.Busy or ErrorCodes.Incompatible or ErrorCodes.NotDumpable or ErrorCodes.Conflict)
        {
            Console.Error.WriteLine($"{e.Message} ({e.Code})"); // It runs on where it is; the next event is the next occasion.
        }
    }
    while (await events.MoveNextAsync());
}
