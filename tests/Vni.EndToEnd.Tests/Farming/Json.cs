using System.Text.Json;

namespace Vni.EndToEnd.Tests.Farming;

/// <summary>Reading vni's answers by the names that its documentation promises.</summary>
internal static class Json
{
    public static string Text(this JsonElement element, string name) =>
        element.GetProperty(name).GetString() ?? throw new InvalidOperationException($"'{name}' is null in {element}");

    public static IReadOnlyList<int> Numbers(this JsonElement element, string name) =>
        [.. element.GetProperty(name).EnumerateArray().Select(n => n.GetInt32())];

    /// <summary>Command line by virtual pid.</summary>
    public static IReadOnlyList<string> Processes(this JsonElement application) =>
        [.. application.GetProperty("processes").EnumerateArray().Select(p => $"{p.GetProperty("pid").GetInt32()} {p.Text("command")}")];
}
