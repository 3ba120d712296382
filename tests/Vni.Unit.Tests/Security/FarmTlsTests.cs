using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Vni.Actors;
using Vni.Actors.Security;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Security;

public sealed class FarmTlsTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vni-tls-");
    private readonly string _farm;

    public FarmTlsTests()
    {
        _farm = Path.Combine(_directory.FullName, "farm");
        FarmAuthority.Create(_farm, TimeProvider.System);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Both_sides_see_who_the_other_is()
    {
        using var node = Load(Issue("node-1", PeerRole.Node));
        using var registry = Load(Issue("registry-1", PeerRole.Registry, "127.0.0.1"));
        var (ofClient, ofServer) = await ShakeAsync(node, registry, "127.0.0.1");
        Assert.Equal(new PeerIdentity("node-1", PeerRole.Node), ofClient);
        Assert.Equal(new PeerIdentity("registry-1", PeerRole.Registry), ofServer);
    }

    [Fact]
    public async Task A_server_is_refused_under_a_name_that_its_certificate_lacks()
    {
        using var node = Load(Issue("node-1", PeerRole.Node));
        using var other = Load(Issue("node-2", PeerRole.Node, "10.0.0.2", "two.example"));
        await ShakeAsync(node, other, "two.example");
        await ShakeAsync(node, other, "node-2");
        await Assert.ThrowsAsync<AuthenticationException>(() => ShakeAsync(node, other, "10.0.0.3"));
        await Assert.ThrowsAsync<AuthenticationException>(() => ShakeAsync(node, other, "node-1"));
    }

    [Fact]
    public async Task An_operator_cannot_be_a_server()
    {
        using var node = Load(Issue("node-1", PeerRole.Node));
        using var person = Load(Issue("alice", PeerRole.Operator));
        await ShakeAsync(person, node, "node-1");
        await Assert.ThrowsAsync<AuthenticationException>(() => ShakeAsync(node, person, "alice"));
    }

    [Fact]
    public async Task Members_of_another_farm_are_refused_on_either_side()
    {
        var elsewhere = Path.Combine(_directory.FullName, "elsewhere");
        FarmAuthority.Create(elsewhere, TimeProvider.System);
        using var stranger = Load(FarmAuthority.Issue(elsewhere, "node-1", PeerRole.Node, [], TimeProvider.System));
        using var node = Load(Issue("node-1", PeerRole.Node));
        await Assert.ThrowsAnyAsync<Exception>(() => ShakeAsync(stranger, node, "node-1"));
        await Assert.ThrowsAnyAsync<Exception>(() => ShakeAsync(node, stranger, "node-1"));
    }

    [Fact]
    public async Task A_client_without_a_certificate_is_refused()
    {
        using var node = Load(Issue("node-1", PeerRole.Node));
        var bare = node.ForClient();
        bare.ClientCertificateContext = null;
        await Assert.ThrowsAnyAsync<Exception>(() => ShakeAsync(bare, node.ForServer(), "node-1"));
    }

    [Fact]
    public void Keys_are_their_owners_alone()
    {
        var files = Issue("node-1", PeerRole.Node);
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(Owner, File.GetUnixFileMode(files.Key));
        Assert.Equal(Owner, File.GetUnixFileMode(Path.Combine(_farm, "ca.key")));
        Assert.Equal(new TlsFiles(Path.Combine(_farm, "node-1.crt"), Path.Combine(_farm, "node-1.key"), Path.Combine(_farm, "ca.crt")), files);
    }

    [Fact]
    public void An_authority_lives_ten_years_and_a_member_one_but_none_longer_than_its_authority()
    {
        var time = new ManualTimeProvider();
        var directory = Path.Combine(_directory.FullName, "dated");
        FarmAuthority.Create(directory, time);
        var year = TimeSpan.FromDays(365);
        Assert.Equal(time.GetUtcNow().AddYears(10), Expiry(Path.Combine(directory, "ca.crt")));
        Assert.Equal(time.GetUtcNow().AddYears(1), Expiry(FarmAuthority.Issue(directory, "a", PeerRole.Node, [], time).Certificate));
        time.Advance(9.5 * year);
        Assert.Equal(Expiry(Path.Combine(directory, "ca.crt")), Expiry(FarmAuthority.Issue(directory, "a", PeerRole.Node, [], time).Certificate));
        time.Advance(year);
        Assert.Contains("ca.crt' has expired", Refused(() => FarmAuthority.Issue(directory, "a", PeerRole.Node, [], time)));
    }

    [Fact]
    public void An_authority_is_not_overwritten()
    {
        var before = File.ReadAllText(Path.Combine(_farm, "ca.key"));
        var error = Assert.Throws<VniException>(() => FarmAuthority.Create(_farm, TimeProvider.System));
        Assert.Equal(ErrorCodes.Conflict, error.Code);
        Assert.Contains(_farm, error.Message);
        Assert.Equal(before, File.ReadAllText(Path.Combine(_farm, "ca.key")));
    }

    [Fact]
    public void A_member_is_renewed_under_its_name()
    {
        var before = File.ReadAllText(Issue("node-1", PeerRole.Node).Certificate);
        var after = Issue("node-1", PeerRole.Node);
        Assert.NotEqual(before, File.ReadAllText(after.Certificate));
        Load(after).Dispose();
    }

    [Theory]
    [InlineData("../node")]
    [InlineData("ca")]
    [InlineData("")]
    [InlineData("Node")]
    public void A_name_that_is_no_label_is_refused(string name) => Refused(() => Issue(name, PeerRole.Node));

    [Fact]
    public void All_bad_server_names_are_named()
    {
        var sentence = Refused(() => Issue("node-1", PeerRole.Node, "good.example", "*.bad", "b d", "fd00::1"));
        Assert.Contains("'*.bad', 'b d'", sentence);
        Assert.DoesNotContain("good", sentence);
    }

    [Fact]
    public void What_is_wrong_with_a_file_is_said_with_its_name()
    {
        var files = Issue("node-1", PeerRole.Node);
        var other = Issue("node-2", PeerRole.Node);
        var empty = Path.Combine(_directory.FullName, "empty");
        File.WriteAllText(empty, "nothing");
        Assert.Contains($"'{empty}x' is missing", Refused(() => Load(files with { Certificate = empty + "x" })));
        Assert.Contains($"'{empty}x' is missing", Refused(() => Load(files with { Key = empty + "x" })));
        Assert.Contains($"'{empty}x' is missing", Refused(() => Load(files with { Authority = empty + "x" })));
        Assert.Contains($"'{empty}' holds no certificate", Refused(() => Load(files with { Certificate = empty })));
        Assert.Contains($"'{empty}' holds no private key", Refused(() => Load(files with { Key = empty })));
        Assert.Contains($"'{empty}' holds no certificate", Refused(() => Load(files with { Authority = empty })));
        Assert.Contains($"'{other.Key}' does not fit", Refused(() => Load(files with { Key = other.Key })));
        Assert.Contains($"'{files.Certificate}' is not signed by", Refused(() => Load(files with { Authority = other.Certificate })));
    }

    [Fact]
    public void A_certificate_outside_its_dates_is_refused()
    {
        var time = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        var files = Issue("node-1", PeerRole.Node);
        FarmTls.Load(files, time).Dispose();
        time.Advance(TimeSpan.FromDays(367));
        Assert.Contains($"'{files.Certificate}' has expired", Refused(() => FarmTls.Load(files, time)));
        var early = new ManualTimeProvider(TimeProvider.System.GetUtcNow() - TimeSpan.FromDays(1));
        Assert.Contains($"'{files.Certificate}' is valid only from", Refused(() => FarmTls.Load(files, early)));
    }

    [Fact]
    public void The_authority_itself_is_no_member()
    {
        using var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(_farm, "ca.crt"));
        Refused(() => FarmTls.IdentityOf(authority));
    }

    private TlsFiles Issue(string name, PeerRole role, params string[] names) => FarmAuthority.Issue(_farm, name, role, names, TimeProvider.System);

    private static FarmTls Load(TlsFiles files) => FarmTls.Load(files);

    private static string Refused(Func<object> action)
    {
        var error = Assert.Throws<VniException>(action);
        Assert.Equal(ErrorCodes.InvalidArgument, error.Code);
        return error.Message;
    }

    private static DateTimeOffset Expiry(string path)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(path);
        return new(certificate.NotAfter);
    }

    private static Task<(PeerIdentity OfClient, PeerIdentity OfServer)> ShakeAsync(FarmTls client, FarmTls server, string host) =>
        ShakeAsync(client.ForClient(), server.ForServer(), host);

    /// <summary>A handshake over loopback, and a byte each way: with TLS 1.3 a client learns only by reading that it was refused.</summary>
    private static async Task<(PeerIdentity OfClient, PeerIdentity OfServer)> ShakeAsync(SslClientAuthenticationOptions client, SslServerAuthenticationOptions server, string host)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var near = new TcpClient();
        await near.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var far = await listener.AcceptTcpClientAsync();
        await using var nearTls = new SslStream(near.GetStream());
        await using var farTls = new SslStream(far.GetStream());
        client.TargetHost = host;
        var serving = ServeAsync();
        try
        {
            await nearTls.AuthenticateAsClientAsync(client);
            await nearTls.WriteAsync(new byte[1]);
            if (await nearTls.ReadAsync(new byte[1]) != 1) throw new AuthenticationException("refused");
        }
        catch
        {
            near.Close();
            await serving.ContinueWith(static _ => { }, TaskScheduler.Default);
            throw;
        }

        await serving;
        return (Identity(farTls), Identity(nearTls));

        async Task ServeAsync()
        {
            try
            {
                await farTls.AuthenticateAsServerAsync(server);
                await farTls.ReadExactlyAsync(new byte[1]);
                await farTls.WriteAsync(new byte[1]);
            }
            catch
            {
                far.Close();
                throw;
            }
        }
    }

    private static PeerIdentity Identity(SslStream stream) => FarmTls.IdentityOf((X509Certificate2)stream.RemoteCertificate!);
}
