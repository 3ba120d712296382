using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Vni.Actors.Security;

/// <summary>
/// How members of a farm speak TLS (1.2 or 1.3): both sides present a certificate that the farm's authority signed; no
/// other authority counts, and revocation is not asked for. A client also checks that the server's certificate names the
/// host or address it connects to. Files are read once; a renewed certificate is used from the next start on.
/// </summary>
public sealed class FarmTls : IDisposable
{
    private const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;

    private readonly X509Certificate2Collection _intermediate;
    private readonly X509Certificate2Collection _authority;
    private readonly SslStreamCertificateContext _context;

    private FarmTls(X509Certificate2 certificate, X509Certificate2Collection intermediate, X509Certificate2Collection authority)
    {
        Certificate = certificate;
        _intermediate = intermediate;
        _authority = authority;
        _context = SslStreamCertificateContext.Create(certificate, intermediate, offline: true);
    }

    /// <summary>Our own certificate, with its key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Reads the files and checks that they fit together.</summary>
    /// <param name="files">Where they are.</param>
    /// <param name="time">For the certificate's dates; default: the system's clock.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: the sentence names the file.</exception>
    public static FarmTls Load(TlsFiles files, TimeProvider? time = null)
    {
        var authority = PemFile.Certificates(files.Authority);
        var certificates = PemFile.Certificates(files.Certificate);
        using var bare = certificates[0];
        var certificate = PemFile.WithKey(bare, files);
        certificates.RemoveAt(0);
        try
        {
            CheckDates(certificate, files, (time ?? TimeProvider.System).GetUtcNow());
            using var chain = new X509Chain { ChainPolicy = Policy(authority, certificates) };
            chain.ChainPolicy.VerificationTime = (time ?? TimeProvider.System).GetUtcNow().UtcDateTime;
            if (!chain.Build(certificate))
                throw PemFile.Bad(files.Certificate, $"is not signed by the authority in '{files.Authority}' ({Reason(chain)})", "issue it anew with that authority");
            return new(certificate, certificates, authority);
        }
        catch
        {
            certificate.Dispose();
            throw;
        }
    }

    /// <summary>For <see cref="SslStream"/> or <c>SocketsHttpHandler.SslOptions</c>. The caller sets <c>TargetHost</c> (the handler does).</summary>
    public SslClientAuthenticationOptions ForClient() => new()
    {
        EnabledSslProtocols = Protocols,
        ClientCertificateContext = _context,
        CertificateChainPolicy = Policy(_authority, _intermediate),
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
    };

    /// <summary>For <see cref="SslStream"/> or Kestrel. A peer without a certificate is refused in the handshake.</summary>
    public SslServerAuthenticationOptions ForServer() => new()
    {
        EnabledSslProtocols = Protocols,
        ServerCertificateContext = _context,
        ClientCertificateRequired = true,
        CertificateChainPolicy = Policy(_authority, _intermediate),
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
    };

    /// <summary>Reads name and role; the caller has checked the signature (a completed handshake has).</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: the subject is not that of a member of a farm.</exception>
    public static PeerIdentity IdentityOf(X509Certificate2 certificate) => PeerSubject.Read(certificate);

    /// <inheritdoc />
    public void Dispose()
    {
        Certificate.Dispose();
        foreach (var other in _intermediate.Concat(_authority)) other.Dispose();
    }

    private static X509ChainPolicy Policy(X509Certificate2Collection authority, X509Certificate2Collection intermediate)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(authority);
        policy.ExtraStore.AddRange(intermediate);
        return policy;
    }

    private static void CheckDates(X509Certificate2 certificate, TlsFiles files, DateTimeOffset now)
    {
        if (certificate.NotAfter.ToUniversalTime() < now.UtcDateTime)
            throw PemFile.Bad(files.Certificate, $"has expired on {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}", "issue a new one");
        if (certificate.NotBefore.ToUniversalTime() > now.UtcDateTime)
            throw PemFile.Bad(files.Certificate, $"is valid only from {certificate.NotBefore.ToUniversalTime():yyyy-MM-dd HH:mm} UTC on", "set this machine's clock");
    }

    private static string Reason(X509Chain chain) =>
        string.Join("; ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct());
}
