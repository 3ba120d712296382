using System.Runtime.ExceptionServices;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Interposer.Checkpoint.Rpc;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint;

/// <summary>What is restored, and from where.</summary>
internal sealed record RestoreRequest
{
    /// <summary>The application, for messages.</summary>
    public required Aid Aid { get; init; }

    /// <summary>Directory of the images; nothing is written there.</summary>
    public required string ImagesDirectory { get; init; }

    /// <summary>Existing directory for <c>restore.log</c>, not the images' own.</summary>
    public required string LogDirectory { get; init; }

    /// <summary>Mount point of the root, as CRIU's session was started with.</summary>
    public required string Root { get; init; }
}

/// <param name="InitPid">First process of the instance, on the node. When CRIU has ended its parent is the nearest sub-reaper.</param>
/// <param name="PlugFailure">Why <see cref="IRestoreStages.PlugAsync"/> failed, with the processes running; else <c>null</c>.</param>
internal sealed record Restored(int InitPid, Exception? PlugFailure);

/// <summary>
/// Rebuilds an instance. CRIU's stages, in order, each awaited: <c>setup-namespaces</c> (network),
/// <c>post-setup-namespaces</c> (message queues), <c>post-restore</c> (verification and commit), <c>network-unlock</c> (plug),
/// <c>pre-resume</c>, <c>post-resume</c>. Up to and including <c>post-restore</c> a failure, a cancellation or the
/// daemon's death makes CRIU kill everything that it built; from <c>network-unlock</c> on it goes on whatever happens.
/// </summary>
internal static class Restore
{
    /// <summary>Name of CRIU's log in the log directory.</summary>
    public const string LogName = "restore.log";

    /// <summary>Runs the restore in a session that was started with the instance's cgroups and overlay; the session is used up.</summary>
    /// <param name="criu">The session.</param>
    /// <param name="request">What to restore.</param>
    /// <param name="stages">What the daemon does meanwhile; its exceptions come out of this method.</param>
    /// <param name="cancellationToken">Honoured until the commit begins.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.RestoreFailed"/>, <see cref="ErrorCodes.NoSpace"/>: no process is left.</exception>
    public static async Task<Restored> RunAsync(CriuSession criu, RestoreRequest request, IRestoreStages stages, CancellationToken cancellationToken)
    {
        using var images = Libc.OpenDirectory(request.ImagesDirectory);
        using var logs = Libc.OpenDirectory(request.LogDirectory);
        var options = CriuRequests.Options(images, logs, LogName);
        options.Root = request.Root;
        options.NotifyScripts = true;
        options.OrphanPtsMaster = true; // A terminal whose other side was outside loses it; its processes see a hang-up.
        var run = new Run(stages, cancellationToken);
        var answer = await criu.CallAsync(new CriuReq { Type = RequestType.Restore, Opts = options }, run.OnStageAsync).ConfigureAwait(false);
        run.Failure?.Throw();
        if (!answer.Success) throw CriuLog.Read(request.LogDirectory, LogName, _ => null).RestoreFailure(request.Aid, answer.CrErrno);
        return new Restored(answer.Restore.Pid, run.PlugFailure);
    }

    private sealed class Run(IRestoreStages stages, CancellationToken cancellationToken)
    {
        /// <summary>What made CRIU undo the restore.</summary>
        public ExceptionDispatchInfo? Failure { get; private set; }

        public Exception? PlugFailure { get; private set; }

        public async Task<bool> OnStageAsync(CriuNotification stage)
        {
            try
            {
                switch (stage.Script)
                {
                    case "setup-namespaces":
                        cancellationToken.ThrowIfCancellationRequested();
                        await stages.SetUpNetworkAsync(stage.Pid, cancellationToken).ConfigureAwait(false);
                        break;
                    case "post-setup-namespaces":
                        cancellationToken.ThrowIfCancellationRequested();
                        await stages.MakeQueuesAsync().ConfigureAwait(false);
                        break;
                    case "post-restore":
                        cancellationToken.ThrowIfCancellationRequested();
                        await stages.VerifyAndCommitAsync(stage.Pid, cancellationToken).ConfigureAwait(false);
                        break;
                    case "network-unlock":
                        await PlugAsync().ConfigureAwait(false);
                        break;
                    default: // pre-restore, pre-resume, post-resume: nothing of ours happens there.
                        break;
                }

                return true;
            }
            catch (Exception e)
            {
                Failure = ExceptionDispatchInfo.Capture(e);
                return false;
            }
        }

        private async Task PlugAsync()
        {
            try
            {
                await stages.PlugAsync().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                PlugFailure = e;
            }
        }
    }
}
