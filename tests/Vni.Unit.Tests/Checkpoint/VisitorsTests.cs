using Vni.Actors.Interposition;
using Vni.Interposer.Checkpoint.Findings;
using Xunit;

namespace Vni.Unit.Tests.Checkpoint;

/// <summary>The harness of a visit is process 200 of the node, and its program 201.</summary>
public sealed class VisitorsTests
{
    private readonly FakeProc _proc = new FakeProc().AddOutside(200, "appshot", parent: 99).Add(201, "bash", "21", 21, 21, parent: 200).File(201, "cmdline", "bash\0-l\0");

    [Fact]
    public void A_program_of_exec_and_what_descends_from_it_visit()
    {
        _proc.Add(202, "vim", "22", 22, 21, parent: 201).File(202, "cmdline", "vim\0a\nb\0").File(201, "stat", "201 (ba) sh) S 200 1 1 0 0 0 0 0 0 0 0 0 0 0 20 0 1 0 5000 0");
        var visitors = Look(200, 201, 202);
        Assert.True(visitors.Any);
        Assert.Empty(visitors.LeftBehind);
        var found = visitors.Find(bootTime: 80_000_000_000);
        Assert.Equal("process 21 (bash) is a visitor ('vni exec', node's pid 201, for 30 s): 'bash -l': end it, or have visitors ended with --close-visitors", found[0].Text);
        Assert.Equal("is a visitor ('vni exec', node's pid 202): 'vim a?b'", found[1].What);
        Assert.All(found, f => Assert.Equal((FindingKinds.Visitor, false), (f.Kind, f.Transient)));
        Assert.Equal([new ClosedVisitor(21, 201, "bash -l"), new ClosedVisitor(22, 202, "vim a?b")], visitors.Describe());
        Assert.Equal([200, 201, 202], visitors.Visiting.Order());
    }

    [Fact]
    public void What_was_left_behind_with_all_below_it_is_the_instances()
    {
        _proc.Add(203, "daemon", "23", 23, 21, parent: 100).Add(204, "worker", "24", 23, 21, parent: 203);
        var visitors = Look(203, 204);
        Assert.False(visitors.Any);
        Assert.Equal([203, 204], visitors.LeftBehind.Order());
        Assert.Empty(visitors.Find(0));
        visitors = Look(200, 201, 203, 204);
        Assert.True(visitors.Any);
        Assert.Equal([203, 204], visitors.LeftBehind.Order());
        Assert.Equal(201, Assert.Single(visitors.Find(0)).HostPid);
    }

    [Fact]
    public void A_harness_alone_is_a_visit_that_begins_or_ends()
    {
        var finding = Assert.Single(Look(200).Find(0));
        Assert.Equal((FindingKinds.Visitor, true), (finding.Kind, finding.Transient));
    }

    [Fact]
    public void Nobody_visits_an_empty_group_and_ended_ones_do_not_count()
    {
        Assert.False(Look().Any);
        _proc.Add(205, "ended", "25", 25, 25, state: 'Z', parent: 200);
        Assert.False(Look(205, 12345).Any);
    }

    private Visitors Look(params int[] pids) => new(_proc, 100, pids);
}
