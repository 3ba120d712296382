using System.Security.Cryptography.X509Certificates;
using Vni.Actors.Identity;

namespace Vni.Actors.Security;

/// <summary>The subject of a member's certificate: <c>OU=ROLE, CN=NAME</c>, each once, nothing else of these kinds.</summary>
internal static class PeerSubject
{
    // Object identifiers of X.520 attributes (RFC 4519, sections 2.3 and 2.20).
    private const string CommonName = "2.5.4.3";
    private const string OrganizationalUnit = "2.5.4.11";

    internal static X500DistinguishedName Write(PeerIdentity identity)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddOrganizationalUnitName(Word(identity.Role));
        subject.AddCommonName(identity.Name);
        return subject.Build();
    }

    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>.</exception>
    internal static PeerIdentity Read(X509Certificate2 certificate)
    {
        if (One(certificate, CommonName) is { } name && DnsLabel.IsValid(name) && Role(One(certificate, OrganizationalUnit)) is { } role)
            return new(name, role);
        throw new VniException(ErrorCodes.InvalidArgument,
            $"the certificate of {DnsLabel.Quote(certificate.Subject)} is not that of a member of a farm: its subject needs one CN, a name, and one OU, which is node, operator or registry; issue it with 'vni certificates issue'");
    }

    private static string Word(PeerRole role) => role switch
    {
        PeerRole.Node => "node",
        PeerRole.Operator => "operator",
        _ => "registry",
    };

    private static PeerRole? Role(string? word) => word switch
    {
        "node" => PeerRole.Node,
        "operator" => PeerRole.Operator,
        "registry" => PeerRole.Registry,
        _ => null,
    };

    /// <summary>The attribute's value; <c>null</c> when it is absent, or there more than once: then nobody can say which counts.</summary>
    private static string? One(X509Certificate2 certificate, string attribute)
    {
        string? found = null;
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements) return null;
            if (part.GetSingleElementType().Value != attribute) continue;
            if (found is not null) return null;
            found = part.GetSingleElementValue();
        }

        return found;
    }
}
