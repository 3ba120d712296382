using System.Text.Json.Serialization.Metadata;
using Vni.Cli.Output;
using Vni.Cli.Terminal;

namespace Vni.Cli.Commands;

/// <summary>What <c>start</c>, <c>stop</c> and <c>rm</c> have in common: they take several applications, one after the other.</summary>
internal static class ManyApplications
{
    /// <summary>
    /// Does the same to each. One that fails does not keep the others from their turn; each failure is told, and makes
    /// the exit status 1. As JSON: one document for one name, an array for several.
    /// </summary>
    public static async Task<int> RunAsync<T>(
        CommandContext context, IReadOnlyList<string> aids, string doing, Func<string, Task<T>> act, JsonTypeInfo<T> one, JsonTypeInfo<IReadOnlyList<T>> several, Action<Screen, T> asText)
    {
        var done = new List<T>();
        var status = 0;
        foreach (var aid in aids)
        {
            try
            {
                var result = await context.WaitAsync($"{doing} {aid}", act(aid));
                done.Add(result);
                if (!context.Json) asText(context.Screen, result);
            }
            catch (Exception e) when (e is not (OperationCanceledException or OutputClosedException))
            {
                Failures.Write(context.Host.Error, context.Host.ErrorTerminal, context.Json, Failures.Of(e));
                status = VniCommand.Failed;
            }
        }

        if (context.Json && aids.Count > 1) JsonOutput.Document(context.Host.Output, done, several);
        else if (context.Json && done.Count == 1) JsonOutput.Document(context.Host.Output, done[0], one);
        return status;
    }
}
