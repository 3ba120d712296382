using System.Globalization;

namespace Vni.Node.Hosting;

/// <summary>The machine's groups, from <c>/etc/group</c> (group(5)): a daemon must not wait for a name service at start.</summary>
internal static class Groups
{
    /// <summary>Id of a group; <c>null</c>: there is none of that name.</summary>
    internal static uint? Find(string name, string file = "/etc/group")
    {
        if (!File.Exists(file)) return null;
        foreach (var line in File.ReadLines(file))
        {
            if (line.Split(':') is [var group, _, var id, ..] && group == name && uint.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                return number;
        }

        return null;
    }
}
