namespace Vni.Actors.Identity;

/// <summary>Digits of generated names: ordered as their ASCII codes are, fit for a DNS label, and without the letters that
/// are taken for others (i, l, o, u).</summary>
internal static class Base32
{
    public const string Digits = "0123456789abcdefghjkmnpqrstvwxyz";

    /// <summary>The lowest 5 × <paramref name="length"/> bits, most significant digit first.</summary>
    public static string Encode(long number, int length) =>
        string.Create(length, number, static (text, rest) =>
        {
            for (var i = text.Length - 1; i >= 0; i--, rest >>= 5) text[i] = Digits[(int)(rest & 31)];
        });
}
