namespace Vni.Simulation;

/// <summary>Random numbers that depend on the seed alone, on every machine (SplitMix64, Steele and others 2014).</summary>
internal sealed class Rng(long seed)
{
    private ulong _state = (ulong)seed * 0x9E3779B97F4A7C15 + 0x1234567;

    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>From <paramref name="from"/> to <paramref name="to"/>, both included.</summary>
    public int Between(int from, int to) => from + (int)(Next() % (ulong)(to - from + 1));

    /// <summary>True so many times in a hundred.</summary>
    public bool Percent(int percent) => percent > 0 && (int)(Next() % 100) < percent;
}
