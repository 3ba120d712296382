using Vni.Actors.Registry;
using Vni.Actors.Security;
using Vni.Unit.Tests.Registry;
using Xunit;

namespace Vni.Linux.Tests.Registry;

/// <summary>A real etcd, whose clock cannot be moved: time passes.</summary>
[TestCaseOrderer(EtcdOrderer.TypeName, EtcdOrderer.AssemblyName)]
public sealed class EtcdConformanceTests(OneEtcd etcd) : RegistryConformance, IClassFixture<OneEtcd>
{
    protected override Task<IRegistry> CreateAsync(TimeProvider time) => Task.FromResult<IRegistry>(etcd.Cluster!.Connect());

    protected override Task PassAsync(TimeSpan time) => Task.Delay(time, TimeProvider.System);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await etcd.Cluster!.RevokeLeasesAsync();
    }
}

/// <summary>A real etcd that asks for client certificates.</summary>
[TestCaseOrderer(EtcdOrderer.TypeName, EtcdOrderer.AssemblyName)]
public sealed class EtcdTlsConformanceTests(OneEtcdWithTls etcd) : RegistryConformance, IClassFixture<OneEtcdWithTls>
{
    protected override Task<IRegistry> CreateAsync(TimeProvider time) => Task.FromResult<IRegistry>(etcd.Cluster!.Connect());

    protected override Task PassAsync(TimeSpan time) => Task.Delay(time, TimeProvider.System);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await etcd.Cluster!.RevokeLeasesAsync();
    }
}

/// <summary>One member for all tests of a class.</summary>
public class OneEtcd : IAsyncLifetime
{
    public EtcdCluster? Cluster { get; private set; }

    protected virtual TlsFiles? Files => null;

    public async Task InitializeAsync()
    {
        if (EtcdCluster.Missing is null) Cluster = await EtcdCluster.StartAsync(1, Files);
    }

    public virtual async Task DisposeAsync()
    {
        if (Cluster is not null) await Cluster.DisposeAsync();
    }
}

/// <summary>One member with certificates.</summary>
public sealed class OneEtcdWithTls : OneEtcd
{
    private readonly TestFarm _farm = new();

    protected override TlsFiles Files => _farm.Issue("etcd-1", PeerRole.Registry);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _farm.Dispose();
    }
}
