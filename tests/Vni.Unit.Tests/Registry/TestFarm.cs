using Vni.Actors.Security;

namespace Vni.Unit.Tests.Registry;

/// <summary>An authority in a directory of its own, and members with its certificates.</summary>
internal sealed class TestFarm : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vni-farm-");
    private readonly List<FarmTls> _members = [];

    public TestFarm() => FarmAuthority.Create(_directory.FullName, TimeProvider.System);

    public TlsFiles Issue(string name, PeerRole role) =>
        FarmAuthority.Issue(_directory.FullName, name, role, ["127.0.0.1", "localhost"], TimeProvider.System);

    public FarmTls Member(string name, PeerRole role)
    {
        var member = FarmTls.Load(Issue(name, role));
        _members.Add(member);
        return member;
    }

    public void Dispose()
    {
        foreach (var member in _members) member.Dispose();
        _directory.Delete(recursive: true);
    }
}
