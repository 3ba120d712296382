using Vni.Interposer.Checkpoint.Queues;
using Xunit;

namespace Vni.Unit.Tests.Checkpoint.Queues;

public sealed class OpenQueueTests
{
    [Fact]
    public void Queues_are_found_among_all_that_processes_have_open()
    {
        var proc = new FakeProc().Add(107, "app", "7", 7, 7)
            .Queue(107, 3, "/orders", mount: 17)
            .Fd(107, 4, "/file", mount: 18)
            .Fd(107, 5, "socket:[8]")
            .Queue(107, 6, "/gone (deleted)", mount: 17, links: 0)
            .Queue(107, 7, "/here (deleted)", mount: 17)
            .Queue(107, 8, "/dev/mqueue/restored", mount: 31)
            .Fd(107, 9, "/dev/mqueue/plain", mount: 30);
        Assert.Equal(
            [
                new OpenQueue("/proc/107/fd/3", 17, 3, "orders", IsUnlinked: false),
                new OpenQueue("/proc/107/fd/6", 17, 6, ".vni-unlinked-6", IsUnlinked: true),
                new OpenQueue("/proc/107/fd/7", 17, 7, "here (deleted)", IsUnlinked: false),
                new OpenQueue("/proc/107/fd/8", 31, 8, "restored", IsUnlinked: false),
            ],
            OpenQueue.Find(proc, [107, 999]));
    }
}
