using System.Globalization;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Operations;

/// <summary>
/// Starts another program in a running instance. Its harness has no way out of the instance, or the instance could not be saved:
/// so a request is put into the instance, through its own root, and a signal says that it is there. The harness takes it by
/// renaming it, starts the program, writes the answer and removes what it took. Until it is taken it can be withdrawn.
/// </summary>
internal sealed class JoinInstance(InstanceKit kit)
{
    private const string Request = ".vni/request", Taken = ".vni/request.taken", Answer = ".vni/answer";

    /// <summary><c>JOIN_SIGNAL</c> of <c>native/chain.h</c>.</summary>
    private const int JoinSignal = 40;

    private const int OwnerOnly = 0x180; // 0600

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(2);

    /// <summary>How long a request may wait to be taken.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Returns the program's virtual pid when it has been executed.</summary>
    public async Task<int> RunAsync(InstanceSpec instance, ProcessDeclaration process, CancellationToken cancellationToken)
    {
        var aid = instance.Aid;
        var init = kit.Live.FindInit(aid) ?? throw Ended(aid);
        kit.Gate.RefuseWhenClosed(aid);
        try
        {
            using var root = OpenRoot(init);
            var id = Guid.NewGuid().ToString("n");
            Ask(root, HarnessSpec.ForJoin(process, id));
            kit.Live.Signal(aid, JoinSignal);
            var answer = await AwaitAsync(root, aid, init, id, cancellationToken).ConfigureAwait(false);
            return Parse(answer, aid, process);
        }
        catch (Exception e) when (e is LinuxException or IOException)
        {
            if (kit.Live.FindInit(aid) != init) throw Ended(aid, e);
            if (NoSpace.Is(e)) throw new VniException(ErrorCodes.NoSpace, $"'{process.Name}' cannot join application {aid}: no space is left on the file system of its layer; make some and try again", e);
            throw new VniException(ErrorCodes.Internal, $"'{process.Name}' cannot join application {aid}: the request cannot be put into its directory /.vni ({e.Message}); if the application has changed that, stop and start it", e);
        }
    }

    /// <summary>Takes back what a former daemon asked for and the harness has not taken.</summary>
    public static void Withdraw(int init)
    {
        try
        {
            using var root = OpenRoot(init);
            root.TryRemoveFile(Request);
        }
        catch (LinuxException)
        {
            // The application has taken its /.vni away, and with it what could be taken.
        }
    }

    /// <summary>The instance's root as its processes see it, so that its overlay learns of every change.</summary>
    private static RootedDirectory OpenRoot(int init) => new($"/proc/{init}/root");

    private static void Ask(RootedDirectory root, byte[] spec)
    {
        root.Remove(Answer);
        root.Remove(Request);
        try
        {
            using var file = root.CreateFile(Request, OwnerOnly, 0, 0);
            RandomAccess.Write(file, spec, 0);
        }
        catch (IOException)
        {
            root.Remove(Request);
            throw;
        }
    }

    private async Task<string> AwaitAsync(RootedDirectory root, Aid aid, int init, string id, CancellationToken cancellationToken)
    {
        var since = kit.Clock.GetTimestamp();
        while (true)
        {
            // In this order: what was asked for is renamed first, and removed after the answer was written.
            var isPending = root.Exists(Request) || root.Exists(Taken);
            if (root.TryReadText(Answer) is { } answer && answer.StartsWith(id + " ", StringComparison.Ordinal)) return answer[(id.Length + 1)..].TrimEnd();
            if (kit.Live.FindInit(aid) != init) throw Ended(aid);
            if (!isPending) return ErrorCodes.Internal + " the harness could not read the request or write its answer; look whether the disk is full";
            var isLate = kit.Clock.GetElapsedTime(since) > Patience;
            if ((isLate || cancellationToken.IsCancellationRequested) && root.TryRemoveFile(Request))
            {
                cancellationToken.ThrowIfCancellationRequested();
                return ErrorCodes.Internal + " its harness does not answer; if the application was started by an older version, stop and start it";
            }

            await Task.Delay(Interval, kit.Clock, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private int Parse(string answer, Aid aid, ProcessDeclaration process)
    {
        var words = answer.Split(' ', 2);
        if (words is ["started", var text] && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid > 1) return pid;
        throw HarnessErrors.OfJoin(aid.Value, process.Name, words[0], words.Length > 1 ? words[1] : "", kit.Options.Masks);
    }

    private static VniException Ended(Aid aid, Exception? inner = null) =>
        new(ErrorCodes.WrongState, $"nothing can join application {aid}: it has no processes on this node; start or restore it first", inner);
}
