using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Applications;

/// <summary>What is told of it.</summary>
public sealed class EventTests : ApplicationTestBase
{
    [Fact]
    public async Task Only_the_newest_256_events_are_kept()
    {
        await Run();
        var state = (await Node.StateAsync())!;
        for (var i = 0; i < 130; i++)
        {
            await Stop();
            await Start();
        }

        var numbers = (await Node.EventsAsync()).Select(e => e.Number).ToList();
        Assert.Equal(256, numbers.Count);
        Assert.Equal(262, numbers[^1]);
        await CheckAsync("running");
    }

    [Fact]
    public async Task Events_are_followed_without_a_gap_until_the_removal()
    {
        await Run();
        var kinds = new List<string>();
        var following = Task.Run(async () =>
        {
            await foreach (var happened in Node.Service.EventsAsync(Shop, follow: true, default)) kinds.Add($"{happened.Number} {happened.Kind}");
        });
        await TestNode.UntilAsync(() => Task.FromResult(kinds.Count == 2), "past events");
        await Stop();
        await Start();
        await Remove(force: true);
        await following.WaitAsync(TestNode.Limit);
        Assert.Equal(["1 created", "2 started", "3 stopped", "4 started"], kinds);
    }
}
