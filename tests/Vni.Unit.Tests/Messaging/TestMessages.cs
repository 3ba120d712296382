using System.Text.Json.Serialization;
using Vni.Actors.Messaging;

namespace Vni.Unit.Tests.Messaging;

internal sealed record Sum(int Left, int Right);

internal sealed record Total(int Value);

internal static class TestMessages
{
    internal static readonly PeerKind<Sum, Total> Add = new("test.add", TestJson.Default.Sum, TestJson.Default.Total);
    internal static readonly PeerKind<Sum, Total> Look = new("test.look", TestJson.Default.Sum, TestJson.Default.Total) { IsQuery = true };
    internal static readonly PeerKind<Sum, Total> Pour = new("test.pour", TestJson.Default.Sum, TestJson.Default.Total);
}

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(Sum))]
[JsonSerializable(typeof(Total))]
internal sealed partial class TestJson : JsonSerializerContext;
