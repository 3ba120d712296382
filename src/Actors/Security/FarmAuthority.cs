using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Vni.Actors.Identity;

namespace Vni.Actors.Security;

/// <summary>
/// The farm's own authority: a directory with <c>ca.crt</c> and <c>ca.key</c>, and <c>NAME.crt</c> and <c>NAME.key</c> for
/// each member. Keys are ECDSA P-256 and their owner's alone (mode 0600). Whoever has <c>ca.key</c> can be anybody in the farm: it
/// need not be on any node.
/// </summary>
public static class FarmAuthority
{
    private const string Authority = "ca";
    private const int AuthorityYears = 10;
    private const int MemberYears = 1;
    private const int SerialBytes = 16;

    // RFC 5280, section 4.2.1.12.
    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    // Clocks of machines differ: a certificate that was just made must not be "from the future" elsewhere.
    private static readonly TimeSpan ClockDifference = TimeSpan.FromMinutes(10);

    /// <summary>Makes an authority that is valid for 10 years.</summary>
    /// <param name="directory">Made if it is missing (mode 0700).</param>
    /// <param name="time">Gives the dates.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.Conflict"/>: one is there; <see cref="ErrorCodes.InvalidArgument"/>: the directory cannot be written.</exception>
    public static void Create(string directory, TimeProvider time) => Writing(directory, () =>
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var path in new[] { CertificatePath(directory, Authority), KeyPath(directory, Authority) })
        {
            if (File.Exists(path))
                throw new VniException(ErrorCodes.Conflict, $"directory '{directory}' holds an authority already ('{path}'); every certificate it issued would be worthless: use another directory");
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName("VniAkka farm authority");
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = time.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now - ClockDifference, now.AddYears(AuthorityYears));
        WriteNew(KeyPath(directory, Authority), key.ExportPkcs8PrivateKeyPem(), secret: true);
        WriteNew(CertificatePath(directory, Authority), certificate.ExportCertificatePem(), secret: false);
    });

    /// <summary>Makes a member's key and certificate, valid for a year; one of the same name is replaced, which is how it is renewed.</summary>
    /// <param name="directory">The authority's.</param>
    /// <param name="name">The member's name, a DNS label; a node's is the node's name.</param>
    /// <param name="role">What the member may be. Only nodes and registries can be servers.</param>
    /// <param name="dnsNamesAndAddresses">Under which others connect to it, besides its name.</param>
    /// <param name="time">Gives the dates.</param>
    /// <returns>The files, with the authority's certificate.</returns>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: a name or address, or a file of the authority, is not usable.</exception>
    public static TlsFiles Issue(string directory, string name, PeerRole role, IReadOnlyList<string> dnsNamesAndAddresses, TimeProvider time)
    {
        if (!DnsLabel.IsValid(name) || name == Authority)
            throw new VniException(ErrorCodes.InvalidArgument, $"no certificate can be issued to {DnsLabel.Quote(name)}: {(name == Authority ? "that is the authority's own name" : DnsLabel.Rule)}");
        var names = Names(name, dnsNamesAndAddresses);
        var files = new TlsFiles(CertificatePath(directory, name), KeyPath(directory, name), CertificatePath(directory, Authority));
        using var bare = PemFile.Certificates(files.Authority)[0];
        using var authority = PemFile.WithKey(bare, new TlsFiles(files.Authority, KeyPath(directory, Authority), files.Authority));
        var now = time.GetUtcNow();
        if (authority.NotAfter.ToUniversalTime() < now.UtcDateTime)
            throw PemFile.Bad(files.Authority, $"has expired on {authority.NotAfter.ToUniversalTime():yyyy-MM-dd}", "make a new authority in another directory and issue all certificates anew");

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(PeerSubject.Write(new(name, role)), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(role == PeerRole.Operator ? [ClientAuthentication] : [ServerAuthentication, ClientAuthentication], critical: false));
        request.CertificateExtensions.Add(names);
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        using var certificate = request.Create(
            authority,
            Latest(now - ClockDifference, new(authority.NotBefore)),
            Earliest(now.AddYears(MemberYears), new(authority.NotAfter)),
            RandomNumberGenerator.GetBytes(SerialBytes));
        Writing(directory, () =>
        {
            Replace(files.Key, key.ExportPkcs8PrivateKeyPem(), secret: true);
            Replace(files.Certificate, certificate.ExportCertificatePem(), secret: false);
        });
        return files;
    }

    private static X509Extension Names(string name, IReadOnlyList<string> others)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        var problems = new List<string>();
        foreach (var other in others.Where(other => other != name).Distinct(StringComparer.Ordinal))
        {
            if (IPAddress.TryParse(other, out var address)) names.AddIpAddress(address);
            else if (other.Length <= 253 && other.Split('.').All(DnsLabel.IsValid)) names.AddDnsName(other);
            else problems.Add(DnsLabel.Quote(other));
        }

        return problems.Count == 0
            ? names.Build()
            : throw new VniException(ErrorCodes.InvalidArgument, $"neither DNS names nor addresses: {string.Join(", ", problems)}; write lower-case labels joined by dots, or an IPv4 or IPv6 address");
    }

    private static DateTimeOffset Latest(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private static DateTimeOffset Earliest(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private static string CertificatePath(string directory, string name) => Path.Combine(directory, $"{name}.crt");

    private static string KeyPath(string directory, string name) => Path.Combine(directory, $"{name}.key");

    private static void Replace(string path, string text, bool secret)
    {
        var making = $"{path}.new";
        File.Delete(making);
        WriteNew(making, text, secret);
        File.Move(making, path, overwrite: true);
    }

    private static void WriteNew(string path, string text, bool secret)
    {
        var mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new StreamWriter(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = secret ? mode : mode | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
        });
        file.WriteLine(text);
    }

    private static void Writing(string directory, Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VniException(ErrorCodes.InvalidArgument, $"directory '{directory}' cannot be written ({e.Message}); use one that you may write", e);
        }
    }
}
