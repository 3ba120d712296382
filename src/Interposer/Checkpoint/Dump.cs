using System.Runtime.ExceptionServices;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Interposer.Checkpoint.Queues;
using Vni.Interposer.Checkpoint.Rpc;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint;

/// <summary>What is dumped, and where to.</summary>
internal sealed record DumpRequest
{
    /// <summary>The application, for messages.</summary>
    public required Aid Aid { get; init; }

    /// <summary>First process of the instance, on the node.</summary>
    public required int InitPid { get; init; }

    /// <summary>The instance's own cgroup (v2), frozen; it is frozen again when the dump ends, however it ends.</summary>
    public required string FrozenCgroup { get; init; }

    /// <summary>Existing, empty directory for the images.</summary>
    public required string ImagesDirectory { get; init; }

    /// <summary>Existing directory for <c>dump.log</c>, not the images' own.</summary>
    public required string LogDirectory { get; init; }

    /// <summary>POSIX message queues that are open.</summary>
    public IReadOnlyList<OpenQueue> Queues { get; init; } = [];
}

/// <summary>
/// Saves the processes of a frozen instance and leaves them frozen. A dump that has begun is not cancelled: CRIU has its
/// own code in the processes and must take it out again. Nothing is lost when the daemon dies meanwhile: CRIU goes on
/// to the end, and the processes stay frozen.
/// </summary>
internal static class Dump
{
    /// <summary>Name of CRIU's log in the log directory.</summary>
    public const string LogName = "dump.log";

    /// <summary>Runs the dump in a session without cgroups or overlay; the session is used up.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NotDumpable"/>, <see cref="ErrorCodes.NoSpace"/>,
    /// <see cref="ErrorCodes.DumpFailed"/>: the processes are as they were; what was written of the images is to be deleted.</exception>
    /// <param name="criu">The session.</param>
    /// <param name="request">What to dump.</param>
    /// <param name="saveFiles">Called when all is dumped and CRIU's links to files that have lost their names
    /// (<c>link_remap.N</c>, beside where the file was) still exist: they go when this method ends, and the layer must hold them.</param>
    public static async Task RunAsync(CriuSession criu, DumpRequest request, Func<Task>? saveFiles = null)
    {
        using var images = Libc.OpenDirectory(request.ImagesDirectory);
        using var logs = Libc.OpenDirectory(request.LogDirectory);
        var options = CriuRequests.Options(images, logs, LogName);
        options.Pid = request.InitPid;
        options.LeaveRunning = true; // As far as CRIU is concerned: the cgroup stays frozen.
        options.FreezeCgroup = request.FrozenCgroup;
        options.NotifyScripts = saveFiles is not null;
        options.External.Add(QueueFiles.ExternalMount);
        options.External.Add(request.Queues.Select(q => q.ExternalId).Distinct());
        ExceptionDispatchInfo? failure = null;
        var answer = await criu.CallAsync(new CriuReq { Type = RequestType.Dump, Opts = options }, async stage =>
        {
            if (stage.Script != "post-dump" || saveFiles is null) return true;
            try
            {
                await saveFiles().ConfigureAwait(false);
                return true;
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
                return false;
            }
        }).ConfigureAwait(false);
        failure?.Throw();
        if (!answer.Success) throw CriuLog.Read(request.LogDirectory, LogName, ProcReader.Node.Describe).DumpFailure(request.Aid, answer.CrErrno);
        PeriodicTimers.Rearm(request.ImagesDirectory);
        QueueFiles.Name(request.ImagesDirectory, request.Queues);
    }
}
