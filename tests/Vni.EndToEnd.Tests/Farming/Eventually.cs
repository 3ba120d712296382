namespace Vni.EndToEnd.Tests.Farming;

/// <summary>Waits for what is bound to happen, instead of for a time in which it probably has.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns the first value that <paramref name="good"/> accepts.</summary>
    public static async Task<T> GetAsync<T>(string what, Func<Task<T>> read, Predicate<T> good, TimeSpan? limit = null)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var value = await read();
            if (good(value)) return value;
            if (TimeProvider.System.GetElapsedTime(start) > (limit ?? Limit)) throw new TimeoutException($"{what} did not happen; last seen: {value}");
            await Task.Delay(Step, TimeProvider.System);
        }
    }

    /// <summary>Returns as soon as <paramref name="condition"/> holds.</summary>
    public static Task TrueAsync(string what, Func<bool> condition, TimeSpan? limit = null) =>
        GetAsync(what, () => Task.FromResult(condition()), holds => holds, limit);

    /// <summary>Repeats <paramref name="attempt"/> until it does not throw.</summary>
    public static async Task<T> SucceedAsync<T>(string what, Func<Task<T>> attempt)
        where T : class
    {
        var value = await GetAsync<T?>(
            what,
            async () =>
            {
                try
                {
                    return await attempt();
                }
                catch (Exception e) when (e is System.Net.Sockets.SocketException or IOException or TimeoutException)
                {
                    return null;
                }
            },
            found => found is not null);
        return value!;
    }
}
