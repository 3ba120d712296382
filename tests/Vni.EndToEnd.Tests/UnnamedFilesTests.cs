using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>Open files whose names are gone belong to the state as much as memory does.</summary>
public sealed class UnnamedFilesTests(FarmFixture fixture) : FarmTests(fixture)
{
    private const string Expected = "linked 1 ghost held: lock other";

    [Fact]
    public async Task Open_files_without_a_name_and_locks_survive_and_leave_no_traces()
    {
        var ip = (await Farm.RunAsync("files", "python3", App("names.py"), "/var/tmp/files")).Text("ip");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        Assert.Equal(Expected, (await client.AskAsync("state")).Trim());
        for (var round = 0; round < 3; round++)
        {
            await Farm.VniAsync("snapshot", "files");
            await Farm.VniAsync("restore", "files");
            Assert.Equal(Expected, (await client.AskAsync("state")).Trim());
        }

        await Farm.VniAsync("snapshot", "files", "--leave-running");
        Assert.Equal(Expected, (await client.AskAsync("state")).Trim());
    }
}
