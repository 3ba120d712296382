using System.Globalization;
using Vni.Actors;
using Vni.Actors.Identity;

namespace Vni.Node.Api;

/// <summary>Reads query parameters. Routes take them as text: the generated binders answer what they cannot parse with a
/// status alone, and a user should be told which parameter it was.</summary>
internal static class Query
{
    /// <summary><c>true</c> or <c>1</c>, <c>false</c> or <c>0</c>; absent: <c>false</c>.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>.</exception>
    internal static bool Flag(string name, string? text) => text switch
    {
        "true" or "1" => true,
        null or "" or "false" or "0" => false,
        _ => throw new VniException(ErrorCodes.InvalidArgument, $"query parameter '{name}' is {DnsLabel.Quote(text)}: use true or false"),
    };

    /// <summary>A whole number from <paramref name="least"/> to <paramref name="most"/>; absent: <c>null</c>.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>.</exception>
    internal static int? Number(string name, string? text, int least, int most)
    {
        if (string.IsNullOrEmpty(text)) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new VniException(ErrorCodes.InvalidArgument, $"query parameter '{name}' is {DnsLabel.Quote(text)}: use a whole number from {least} to {most}");
    }
}
