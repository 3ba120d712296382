using System.IO.Pipes;
using System.Text;
using Google.Protobuf;
using Vni.Actors;
using Vni.Interposer.Checkpoint.Rpc;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint;

/// <summary>
/// One CRIU process (<c>criu swrk</c>) and the socket over which it takes one request beside that for its version; see https://criu.org/RPC. It can be
/// started ahead, so that its start is over when an instance is frozen. It is never killed while it works: a killed CRIU
/// leaves its own code in the processes that it was dumping. It ends when the socket is closed.
/// </summary>
internal sealed class CriuSession : IAsyncDisposable
{
    private const int SocketDescriptor = 3;
    private readonly SeqPacketSocket _socket;
    private readonly SpawnedProcess _process;
    private readonly AnonymousPipeServerStream _errors;

    private CriuSession(SeqPacketSocket socket, SpawnedProcess process, AnonymousPipeServerStream errors) =>
        (_socket, _process, _errors) = (socket, process, errors);

    /// <summary>Pid of CRIU on the node.</summary>
    public int Pid => _process.Pid;

    /// <summary>Starts CRIU; what goes wrong in the harness or in CRIU's own start is reported by <see cref="CallAsync"/>.</summary>
    /// <exception cref="LinuxException">The harness cannot be executed.</exception>
    public static CriuSession Start(IProcessSpawner spawner, CriuLaunch launch)
    {
        var (socket, child) = SeqPacketSocket.CreatePair();
        using (child)
        {
            var errors = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.None);
            try
            {
                using var writeEnd = errors.ClientSafePipeHandle;
                var process = spawner.Spawn(launch.HarnessPath, launch.Arguments(SocketDescriptor), [(2, writeEnd), (SocketDescriptor, child)]);
                return new CriuSession(socket, process, errors);
            }
            catch
            {
                errors.Dispose();
                socket.Dispose();
                throw;
            }
        }
    }

    /// <summary>Returns when CRIU has started and waits for its request. Whoever freezes processes for it waits for this first.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NodeIncapable"/>: CRIU did not start.</exception>
    public Task ReadyAsync() => CallAsync(new CriuReq { Type = RequestType.Version, KeepOpen = true });

    /// <summary>
    /// Sends the request and returns CRIU's answer. Every notification meanwhile is handed to <paramref name="onStage"/>
    /// and answered with what it returns; where that is <c>false</c>, CRIU fails at this stage if the stage can fail.
    /// </summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NodeIncapable"/>: CRIU did not start;
    /// <see cref="ErrorCodes.Internal"/>: it ended without an answer.</exception>
    public async Task<CriuResp> CallAsync(CriuReq request, Func<CriuNotification, Task<bool>>? onStage = null)
    {
        if (!TrySend(request)) throw await EndedAsync(null).ConfigureAwait(false);
        while (true)
        {
            var data = await _socket.ReceiveAsync(CancellationToken.None).ConfigureAwait(false);

            // The harness, on the same socket, speaks text; no CRIU answer begins with these bytes.
            if (data is null || data.AsSpan().StartsWith("error "u8)) throw await EndedAsync(data).ConfigureAwait(false);
            var answer = CriuResp.Parser.ParseFrom(data);
            if (answer.Type != RequestType.Notify) return answer;
            var go = onStage is null || await onStage(answer.Notify).ConfigureAwait(false);
            if (!TrySend(new CriuReq { Type = RequestType.Notify, NotifySuccess = go })) throw await EndedAsync(null).ConfigureAwait(false);
        }
    }

    /// <summary>Closes the socket, which makes an idle CRIU end and one that restores fail, and waits for the end.</summary>
    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _process.Exited.ConfigureAwait(false);
        _process.Dispose();
        await _errors.DisposeAsync().ConfigureAwait(false);
    }

    private bool TrySend(CriuReq request)
    {
        try
        {
            _socket.Send(request.ToByteArray());
            return true;
        }
        catch (LinuxException e) when (e.Errno == Libc.EPIPE)
        {
            return false;
        }
    }

    private async Task<VniException> EndedAsync(byte[]? harnessError)
    {
        var status = await _process.Exited.ConfigureAwait(false);
        var text = harnessError is null
            ? await new StreamReader(_errors, Encoding.UTF8).ReadToEndAsync().ConfigureAwait(false)
            : Encoding.UTF8.GetString(harnessError.AsSpan("error internal - ".Length..));
        text = string.Join("; ", text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        return text.Length > 0
            ? new VniException(ErrorCodes.NodeIncapable, $"CRIU could not be started: {text}; 'vni check' lists what the node lacks")
            : new VniException(ErrorCodes.Internal, $"CRIU ended without an answer (status {status}); the daemon's log and CRIU's have the details");
    }
}
