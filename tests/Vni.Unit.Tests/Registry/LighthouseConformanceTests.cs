using Vni.Actors.Registry;
using Vni.Actors.Security;

namespace Vni.Unit.Tests.Registry;

/// <summary>Lighthouse over HTTP.</summary>
public sealed class LighthouseConformanceTests : RegistryConformance
{
    private LighthouseInProcess _lighthouse = null!;

    protected override async Task<IRegistry> CreateAsync(TimeProvider time)
    {
        _lighthouse = await LighthouseInProcess.StartAsync();
        return _lighthouse.Connect();
    }

    protected override Task PassAsync(TimeSpan time) => _lighthouse.PassAsync(Registry, time);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _lighthouse.DisposeAsync();
    }
}

/// <summary>Lighthouse over TLS, with certificates on both sides.</summary>
public sealed class LighthouseTlsConformanceTests : RegistryConformance
{
    private readonly TestFarm _farm = new();
    private LighthouseInProcess _lighthouse = null!;

    protected override async Task<IRegistry> CreateAsync(TimeProvider time)
    {
        _lighthouse = await LighthouseInProcess.StartAsync(_farm.Member("lighthouse", PeerRole.Registry));
        return _lighthouse.Connect(_farm.Member("node-1", PeerRole.Node));
    }

    protected override Task PassAsync(TimeSpan time) => _lighthouse.PassAsync(Registry, time);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _lighthouse.DisposeAsync();
        _farm.Dispose();
    }
}
