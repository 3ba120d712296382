using System.Text;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Fencing;

/// <summary>One <c>appshot guard</c> and the socket over which it is given deadlines. Disposing it ends neither: it becomes an
/// orphan, which guards until its deadline.</summary>
internal sealed class GuardProcess(SeqPacketSocket socket, SpawnedProcess process) : IDisposable
{
    private readonly TaskCompletionSource _armed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Its number on the node.</summary>
    public int Pid => process.Pid;

    /// <summary>Ends when it guards and no former guard does any more, or when it has ended.</summary>
    public Task Armed => _armed.Task;

    /// <summary>Whether it has ever guarded.</summary>
    public bool WasArmed { get; private set; }

    /// <summary>Whether it has fenced the node.</summary>
    public bool Fenced { get; private set; }

    /// <summary>What it could not do; <c>null</c>: nothing was said.</summary>
    public string? Error { get; private set; }

    /// <summary>Gives it a deadline, 0: that it shall end. <c>false</c>: it does not read; one that has ended is not told.</summary>
    public bool TrySend(long deadline)
    {
        try
        {
            return socket.TrySend(BitConverter.GetBytes(deadline));
        }
        catch (LinuxException e) when (e.Errno == Libc.EPIPE)
        {
            return true; // Its end is about to be noticed.
        }
    }

    /// <summary>Ends it.</summary>
    public void Kill() => process.Kill(Libc.SIGKILL);

    /// <summary>Hears what it says until it has ended; its exit status.</summary>
    public async Task<int> RunAsync(Action onFenced)
    {
        try
        {
            while (await socket.ReceiveAsync(CancellationToken.None).ConfigureAwait(false) is { } message)
            {
                switch (Encoding.UTF8.GetString(message))
                {
                    case "armed":
                        WasArmed = true;
                        _armed.TrySetResult();
                        break;
                    case "fenced":
                        Fenced = true;
                        onFenced();
                        break;
                    case var text:
                        Error = text.StartsWith("error internal - ", StringComparison.Ordinal) ? text["error internal - ".Length..] : text;
                        break;
                }
            }

            return await process.Exited.ConfigureAwait(false);
        }
        finally
        {
            _armed.TrySetResult();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        socket.Dispose();
        process.Dispose();
    }
}
