using System.IO.Pipelines;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Resources;

namespace Vni.Unit.Tests.Node;

/// <summary>Logs in a directory, and a visitor that the test plays.</summary>
internal sealed class FakeAccess(string logs) : IInstanceAccess
{
    internal FakeVisitor Visitor { get; } = new();

    internal TaskCompletionSource<VisitorRequest> Requested { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Exception? Failure { get; set; }

    public IReadOnlyList<LiveProcess> ListProcesses(Aid aid) => [];

    public IReadOnlyList<ChainMember> ListChain(Aid aid) => [];

    public InstanceResources? FindResources(Aid aid) => null;

    public Aid FindHolder(ResourceType type, string system) => throw new NotSupportedException();

    public Stream? OpenLog(Aid aid, string process)
    {
        var path = Path.Combine(logs, $"{process}.log");
        return File.Exists(path) ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete) : null;
    }

    public Task<IVisitor> ExecAsync(Aid aid, VisitorRequest request, CancellationToken cancellationToken)
    {
        if (Failure is not null) throw Failure;
        Requested.SetResult(request);
        return Task.FromResult<IVisitor>(Visitor);
    }

    public Task<IReadOnlyList<Finding>> CheckAsync(Aid aid, CancellationToken cancellationToken) => Failure is null
        ? Task.FromResult<IReadOnlyList<Finding>>([new Finding(7, 107, "python3", FindingKinds.IoUring, "has an io_uring instance open (fd 5)", "use another way")])
        : Task.FromException<IReadOnlyList<Finding>>(Failure);

    public Task<IReadOnlyList<NodeCheck>> CheckAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<NodeCheck>>([new NodeCheck("kernel", true, true, "6.18", null)]);
}

/// <summary>A program whose three streams are pipes that the test holds the other ends of.</summary>
internal sealed class FakeVisitor : IVisitor
{
    internal Pipe In { get; } = new();

    internal Pipe Out { get; } = new();

    internal Pipe Err { get; } = new();

    internal TaskCompletionSource<int> End { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal TaskCompletionSource Disposed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal TaskCompletionSource<(int Columns, int Rows)> Resized { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal TaskCompletionSource<int> Signalled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Stream Input => field ??= In.Writer.AsStream();

    public Stream Output => field ??= Out.Reader.AsStream();

    public Stream Error => field ??= Err.Reader.AsStream();

    public Task<int> Exited => End.Task;

    public void Resize(int columns, int rows) => Resized.SetResult((columns, rows));

    public void Signal(int signal) => Signalled.SetResult(signal);

    public ValueTask DisposeAsync()
    {
        Disposed.SetResult();
        return ValueTask.CompletedTask;
    }
}
