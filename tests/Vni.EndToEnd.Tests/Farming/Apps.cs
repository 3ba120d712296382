namespace Vni.EndToEnd.Tests.Farming;

/// <summary>The test programs of <c>tests/apps</c>, built once per run, into the farm's directory, where instances see them.</summary>
internal static class Apps
{
    private static readonly Lazy<Task<string>> Built = new(BuildAsync);

    /// <summary>Puts the programs into the farm; their directory.</summary>
    public static async Task<string> AddAppsAsync(this Farm farm)
    {
        var target = Path.Combine(farm.Directory, "apps");
        await Shell.RunAsync("cp", "-a", await Built.Value, target);
        return target;
    }

    /// <summary>Where they were built.</summary>
    public static Task<string> BuiltAsync() => Built.Value;

    private static async Task<string> BuildAsync()
    {
        var output = Path.Combine(AppContext.BaseDirectory, "apps");
        await Shell.RunAsync("make", "-s", "-C", Path.Combine(Repository.Root, "tests/apps"), $"OUT={output}");
        return output;
    }
}
