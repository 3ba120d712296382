using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Vni.Actors.Security;

/// <summary>Reads PEM files; what is wrong with one is said in a sentence that names it.</summary>
internal static class PemFile
{
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>.</exception>
    internal static X509Certificate2Collection Certificates(string path)
    {
        var text = Text(path);
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(text);
        }
        catch (CryptographicException e)
        {
            throw Bad(path, "holds a certificate that cannot be read", "copy the file anew", e);
        }

        return certificates.Count > 0 ? certificates : throw Bad(path, "holds no certificate in PEM form", "begin it with '-----BEGIN CERTIFICATE-----'");
    }

    /// <summary>The certificate with the private key of <see cref="TlsFiles.Key"/>.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>.</exception>
    internal static X509Certificate2 WithKey(X509Certificate2 certificate, TlsFiles files)
    {
        var text = Text(files.Key);
        try
        {
            if (certificate.GetECDsaPublicKey() is { } publicKey)
            {
                publicKey.Dispose();
                using var key = ECDsa.Create();
                key.ImportFromPem(text);
                return certificate.CopyWithPrivateKey(key);
            }

            using var rsa = RSA.Create();
            rsa.ImportFromPem(text);
            return certificate.CopyWithPrivateKey(rsa);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw text.Contains("PRIVATE KEY-----", StringComparison.Ordinal) && !text.Contains("ENCRYPTED", StringComparison.Ordinal)
                ? Bad(files.Key, $"does not fit the certificate in '{files.Certificate}'", "use the key that was made with it", e)
                : Bad(files.Key, "holds no private key in PEM form that can be read without a password", "use the key that was made with the certificate", e);
        }
    }

    internal static VniException Bad(string path, string what, string remedy, Exception? inner = null) =>
        new(ErrorCodes.InvalidArgument, $"TLS file '{path}' {what}; {remedy}", inner);

    private static string Text(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Bad(path, "is missing", "set its path, or issue it with 'vni certificates issue'", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Bad(path, $"cannot be read ({e.Message})", "make it readable for this program", e);
        }
    }
}
