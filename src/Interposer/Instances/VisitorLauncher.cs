using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;

namespace Vni.Interposer.Instances;

/// <summary>Starts visitors: programs in all namespaces of an instance, beside its cgroup.</summary>
internal sealed class VisitorLauncher(InterposerOptions options, IProcessSpawner spawner, CgroupTree cgroups, EpollLoop loop)
{
    private const int ControlDescriptor = 3;

    /// <summary>Starts one; returns when its program has been executed.</summary>
    /// <param name="aid">The instance.</param>
    /// <param name="initPid">Its first process, on the node.</param>
    /// <param name="identity">Whose addresses alone may be bound, as by the instance itself.</param>
    /// <param name="request">What to start.</param>
    /// <param name="cancellationToken">Ends the waiting, and it.</param>
    /// <exception cref="VniException">The program, user or directory does not exist, or the instance has ended.</exception>
    public async Task<IVisitor> StartAsync(Aid aid, int initPid, VirtualIdentity identity, VisitorRequest request, CancellationToken cancellationToken)
    {
        var cgroup = cgroups.CreateVisitors(aid);
        BindGuard.Attach(cgroup.Directory, identity);
        var specFile = Path.Combine(options.RuntimeDirectory, $"visitor-{Guid.NewGuid():n}");
        var started = new Started();
        try
        {
            WriteSpec(specFile, HarnessSpec.ForVisitor(request, cgroup.Directories));
            Spawn(started, initPid, specFile, request.Terminal);
            return await IntroduceAsync(started, aid, request.Terminal, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await started.EndAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            File.Delete(specFile);
        }
    }

    private static void WriteSpec(string path, byte[] spec)
    {
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite, BufferSize = 0,
        });
        file.Write(spec);
    }

    private void Spawn(Started started, int initPid, string specFile, bool terminal)
    {
        var childEnds = new List<(int ChildFd, SafeHandle Handle)>();
        try
        {
            (started.Control, var child) = SeqPacketSocket.CreatePair();
            childEnds.Add((ControlDescriptor, child));
            if (!terminal)
            {
                var (inputRead, inputWrite) = Libc.Pipe();
                childEnds.Add((0, inputRead));
                started.Input = new DescriptorStream(inputWrite, loop, readable: false);
                var (outputRead, outputWrite) = Libc.Pipe();
                childEnds.Add((1, outputWrite));
                started.Output = new DescriptorStream(outputRead, loop, readable: true);
                var (errorRead, errorWrite) = Libc.Pipe();
                childEnds.Add((2, errorWrite));
                started.Error = new DescriptorStream(errorRead, loop, readable: true);
            }

            started.Harness = spawner.Spawn(options.HarnessPath, ["exec", $"{initPid}", specFile], childEnds);
        }
        finally
        {
            foreach (var (_, handle) in childEnds) handle.Dispose();
        }
    }

    private async Task<Visitor> IntroduceAsync(Started started, Aid aid, bool terminal, CancellationToken cancellationToken)
    {
        while (true)
        {
            var packet = await started.Control!.ReceiveWithDescriptorsAsync(cancellationToken).ConfigureAwait(false);
            switch (HarnessMessage.Parse(packet?.Data))
            {
                case HarnessMessage.Terminal when terminal && started.Terminal is null && packet is { Descriptors: [var master] }:
                    // Two descriptors of one terminal: the streams wait independently of each other.
                    started.Terminal = master;
                    started.Input = new DescriptorStream(Libc.DuplicateAbove(master, 3), loop, readable: false, last: [EndOfTransmission]);
                    started.Output = new DescriptorStream(Libc.DuplicateAbove(master, 3), loop, readable: true);
                    break;
                case HarnessMessage.Started when !terminal || started.Terminal is not null:
                    return new Visitor(started.Harness!, started.Control, started.Terminal, started.Input!, started.Output!, started.Error);
                case HarnessMessage.Error error:
                    throw HarnessErrors.OfVisit(aid.Value, error, options.Masks);
                default:
                    foreach (var descriptor in packet?.Descriptors ?? []) descriptor.Dispose();
                    throw new VniException(ErrorCodes.Internal, $"cannot execute in application {aid}: the harness died; see whether the application still runs, then try again");
            }
        }
    }

    /// <summary>Ctrl-D, termios(3): what a terminal takes for end of file.</summary>
    private const byte EndOfTransmission = 4;

    /// <summary>What exists of a visitor so far.</summary>
    private sealed class Started
    {
        public SeqPacketSocket? Control { get; set; }

        public SpawnedProcess? Harness { get; set; }

        public SafeFileHandle? Terminal { get; set; }

        public Stream? Input { get; set; }

        public Stream? Output { get; set; }

        public Stream Error { get; set; } = Stream.Null;

        public async Task EndAsync()
        {
            Control?.Dispose();
            if (Harness is not null)
            {
                Harness.Kill(Libc.SIGKILL);
                await Harness.Exited.ConfigureAwait(false);
                Harness.Dispose();
            }

            foreach (var stream in new[] { Input, Output, Error }.OfType<Stream>()) await stream.DisposeAsync().ConfigureAwait(false);
            Terminal?.Dispose();
        }
    }
}
