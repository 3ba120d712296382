namespace Vni.Actors.Security;

/// <summary>Paths of PEM files.</summary>
/// <param name="Certificate">The holder's certificate, followed by intermediate ones if there are any.</param>
/// <param name="Key">Its private key (RSA or ECDSA), not encrypted.</param>
/// <param name="Authority">One or more certificates of authorities, whose signature a peer must show.</param>
public sealed record TlsFiles(string Certificate, string Key, string Authority);
