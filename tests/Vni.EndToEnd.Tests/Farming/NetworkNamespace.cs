using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.EndToEnd.Tests.Farming;

/// <summary>A named network namespace (ip-netns(8)), deleted when disposed.</summary>
internal sealed partial class NetworkNamespace : IAsyncDisposable
{
    private const int CloneNewNet = 0x40000000;

    private NetworkNamespace(string name) => Name = name;

    public string Name { get; }

    public string Path => $"/run/netns/{Name}";

    public static async Task<NetworkNamespace> MakeAsync(string name)
    {
        await Shell.RunAsync($"ip netns add {name}");
        var made = new NetworkNamespace(name);
        await made.IpAsync("link set lo up");
        return made;
    }

    /// <summary>One that somebody else has made and will delete.</summary>
    public static NetworkNamespace Existing(string name) => new(name);

    /// <summary>Runs ip(8) in here.</summary>
    public Task<string> IpAsync(string arguments) => Shell.RunAsync($"ip -n {Name} {arguments}");

    /// <summary>Starts a program in here; unlike <c>ip netns exec</c>, which mounts its own <c>/sys</c>, in the node's mount namespace.</summary>
    public Task<Outcome> TryAsync(string program, params string[] arguments) =>
        Shell.TryAsync("nsenter", [$"--net={Path}", program, .. arguments]);

    /// <summary>Starts a program in here and does not wait for it; the caller reads its output and ends it.</summary>
    public Process Start(string program, params string[] arguments)
    {
        var process = new Process { StartInfo = new ProcessStartInfo("nsenter", [$"--net={Path}", program, .. arguments]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true } };
        process.Start();
        return process;
    }

    /// <summary>
    /// Runs on a thread that is in here: a socket belongs, for good, to the namespace of the thread that made it.
    /// The thread ends afterwards, so that none of the pool's threads ever changes namespace.
    /// </summary>
    public Task<T> RunAsync<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle(Path);
                if (SetNs(handle, CloneNewNet) != 0) throw new IOException($"setns '{Path}': {Marshal.GetLastPInvokeErrorMessage()}");
                done.SetResult(work());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        })
        { IsBackground = true, Name = Name };
        thread.Start();
        return done.Task;
    }

    /// <summary>A connected TCP socket of this namespace.</summary>
    public async Task<Socket> ConnectAsync(string ip, int port)
    {
        var address = IPAddress.Parse(ip);
        var socket = await RunAsync(() => new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await socket.ConnectAsync(new IPEndPoint(address, port), limit.Token);
            return socket;
        }
        catch (OperationCanceledException e)
        {
            socket.Dispose();
            throw new TimeoutException($"no connection to {ip}:{port} within 5 s", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Returns when a connection can be made.</summary>
    public async Task AwaitServerAsync(string ip, int port)
    {
        using var made = await Eventually.SucceedAsync($"connection to {ip}:{port}", () => ConnectAsync(ip, port));
    }

    public async ValueTask DisposeAsync() => await Shell.TryAsync("ip", ["netns", "del", Name]);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNs(SafeFileHandle handle, int kind);
}
