using Vni.Simulation;
using Xunit;

namespace Vni.Unit.Tests.Simulation;

/// <summary>The simulation finds mistakes: each way to do it wrong breaks a rule within so many schedules.</summary>
public sealed class MutationTests
{
    [Theory]
    [InlineData(nameof(Mutation.CommitWithoutCompare), 2_000)]
    [InlineData(nameof(Mutation.NoFence), 500)]
    [InlineData(nameof(Mutation.NoGuard), 2_000)]
    [InlineData(nameof(Mutation.ThawBeforeContest), 1_000)]
    [InlineData(nameof(Mutation.ResumeBeforeCommit), 500)]
    [InlineData(nameof(Mutation.ReleaseBeforeRecord), 500)]
    [InlineData(nameof(Mutation.LiftWithoutConfirm), 500)]
    [InlineData(nameof(Mutation.GrantIsRenewal), 10_000)]
    [InlineData(nameof(Mutation.ConfirmKeepsRevision), 50_000)]
    [InlineData(nameof(Mutation.KillFrozenSources), 1_000)]
    [InlineData(nameof(Mutation.AdoptBeforeConfirm), 500)]
    [InlineData(nameof(Mutation.TrustReads), 50_000)]
    [InlineData(nameof(Mutation.TakeOverOwned), 20_000)]
    [InlineData(nameof(Mutation.LateConfirmLifts), 2_000)]
    [InlineData(nameof(Mutation.NoReconcile), 500)]
    [InlineData(nameof(Mutation.NeverQuiet), 500)]
    public void A_broken_protocol_is_found(string mutation, int within) =>
        Assert.NotNull(Simulator.RunMany(1, within, Enum.Parse<Mutation>(mutation), shrink: false));
}
