namespace Vni.EndToEnd.Tests.Farms;

/// <summary>A test that needs etcd; without it, it is skipped, and says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FaultsEtcdFactAttribute : FactAttribute
{
    public FaultsEtcdFactAttribute()
    {
        var places = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        if (!places.Any(place => File.Exists(Path.Combine(place, "etcd")))) Skip = "etcd is not installed: 'apt-get install etcd-server'";
    }
}
