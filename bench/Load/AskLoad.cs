using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors.Messaging;
using Vni.Client;
using Vni.Cluster.Messaging;

namespace Vni.Load;

/// <param name="Aid">The application.</param>
/// <param name="Body">Nothing more is asked.</param>
internal sealed record Question(string Aid, bool Body);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(Question))]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class QuestionJson : JsonSerializerContext;

/// <summary>Asks the actor of an application what it is, again and again.</summary>
internal static class AskLoad
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>What a node asks of the node on which the application is; see <c>docs/messaging.md</c>.</summary>
    private static readonly PeerKind<Question, JsonElement> View = new("application.view", QuestionJson.Default.Question, QuestionJson.Default.JsonElement) { IsQuery = true };

    /// <summary>As one node asks another, without the API on either side.</summary>
    public static async Task BetweenNodesAsync(Arguments given)
    {
        using var tls = given.Tls();
        using var messenger = Messenger(given, tls);
        var question = new Question(given["aid"], true);
        await Callers.MeasureAsync(given, async _ =>
        {
            var answer = await messenger.AskAsync(given["to"], View, question, CommandId.New(), Patience, default);
            if (answer.GetProperty("value").ValueKind != JsonValueKind.Object) throw new InvalidOperationException($"the actor of {question.Aid} is not on node {given["to"]}");
        });
    }

    /// <summary>As clients of a daemon's API ask.</summary>
    public static async Task OfTheApiAsync(Arguments given)
    {
        using var client = new VniClient(given["socket"]);
        await Callers.MeasureAsync(given, _ => client.GetApplicationAsync(given["aid"]));
    }

    /// <summary>Messages in the name of a node, which only whoever has its certificate can send.</summary>
    public static HttpMessenger Messenger(Arguments given, Actors.Security.FarmTls tls) => new(new HttpMessengerOptions
    {
        Self = new PeerDispatcher(given["farm"], given["node"], TimeProvider.System, NullLogger<PeerDispatcher>.Instance),
        Endpoint = node => node == given["to"] ? given["endpoint"] : null,
        Tls = tls,
    });
}
