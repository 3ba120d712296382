using System.Text;
using Vni.Actors;
using Vni.Actors.Interposition;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Instances;

/// <summary>
/// Starts instances in two steps: namespaces and a first process that waits, then, when the network is plumbed, the
/// programs of the chain.
/// </summary>
internal sealed class HarnessLauncher(InterposerOptions options, IProcessSpawner spawner)
{
    private const string SpecFile = ".vni/spec";
    private const int ControlDescriptor = 3;

    /// <summary>
    /// Makes the namespaces; returns when their first process waits in the cgroup. The layer must be ready. If it
    /// fails, or <paramref name="cancellationToken"/> fires, no process is left.
    /// </summary>
    /// <exception cref="VniException">What the harness reports, in a sentence.</exception>
    public async Task<PreparedInstance> PrepareAsync(InstanceSpec instance, InstancePaths paths, Cgroup cgroup, CancellationToken cancellationToken)
    {
        WriteSpec(instance, paths, cgroup);
        var (control, child) = SeqPacketSocket.CreatePair();
        try
        {
            SpawnedProcess launcher;
            using (child)
            {
                launcher = spawner.Spawn(options.HarnessPath, ["instance", Path.Combine(paths.Upper, SpecFile)], [(ControlDescriptor, child)]);
            }

            using (launcher)
            {
                try
                {
                    switch (HarnessMessage.Parse(await control.ReceiveAsync(cancellationToken).ConfigureAwait(false)))
                    {
                        case HarnessMessage.Init init:
                            await launcher.Exited.WaitAsync(cancellationToken).ConfigureAwait(false); // It has nothing left to do.
                            return new PreparedInstance(instance, init.Pid, control, cgroup, options.Masks);
                        case HarnessMessage.Error error:
                            throw HarnessErrors.OfStart(instance.Aid.Value, error, options.Masks);
                        case null:
                            throw HarnessErrors.Died(instance.Aid.Value, "making the namespaces");
                        case var other:
                            throw new VniException(ErrorCodes.Internal, $"cannot start application {instance.Aid}: the harness is of another version ({other}); install vnid and appshot together");
                    }
                }
                catch
                {
                    launcher.Kill(Libc.SIGKILL);
                    await launcher.Exited.ConfigureAwait(false);
                    throw;
                }
            }
        }
        catch
        {
            control.Dispose(); // A first process that waits for "go" ends when it reads end of file.
            cgroup.Kill();
            await cgroup.WaitUntilEmptyAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    private static void WriteSpec(InstanceSpec instance, InstancePaths paths, Cgroup cgroup)
    {
        var spec = HarnessSpec.ForInstance(instance, paths, cgroup.Directories);
        using var layer = new RootedDirectory(paths.Upper);
        layer.Remove(SpecFile);
        using var file = layer.CreateFile(SpecFile, 0x180 /* 0600 */, 0, 0);
        RandomAccess.Write(file, spec, 0);
    }
}

/// <summary>Namespaces whose first process waits. Disposing it before it has started ends it.</summary>
internal sealed class PreparedInstance(InstanceSpec instance, int initPid, SeqPacketSocket control, Cgroup cgroup, IReadOnlyList<string> masks) : IAsyncDisposable
{
    private bool _started;

    /// <summary>Pid of the first process in the node's PID namespace; its <c>/proc/PID/ns</c> are the instance's.</summary>
    public int InitPid { get; } = initPid;

    /// <summary>Starts the programs of the chain; returns when each has been executed.</summary>
    /// <exception cref="VniException">What the harness reports, in a sentence.</exception>
    public async Task GoAsync(CancellationToken cancellationToken)
    {
        var aid = instance.Aid.Value;
        try
        {
            control.Send(Encoding.UTF8.GetBytes("go"));
        }
        catch (LinuxException)
        {
            throw HarnessErrors.Died(aid, "waiting for its network");
        }

        switch (HarnessMessage.Parse(await control.ReceiveAsync(cancellationToken).ConfigureAwait(false)))
        {
            case HarnessMessage.Started:
                _started = true;

                // The harness closes its end next; until it has, the instance holds a socket of the node's and cannot be saved.
                while (await control.ReceiveAsync(CancellationToken.None).ConfigureAwait(false) is not null)
                {
                }

                return;
            case HarnessMessage.Error error:
                throw HarnessErrors.OfStart(aid, error, masks);
            default:
                throw HarnessErrors.Died(aid, "starting the processes");
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        control.Dispose();
        if (_started) return;
        cgroup.Kill();
        await cgroup.WaitUntilEmptyAsync(CancellationToken.None).ConfigureAwait(false);
    }
}
