using System.ComponentModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Node.Api;

namespace Vni.Node.Logs;

/// <summary>The output of an application's processes, as text.</summary>
/// <remarks>
/// A followed log is looked at four times a second. Watching instead (inotify(7)) would need a watch on each directory on
/// the way, in files that a hostile application moves about and a restore replaces; one openat2 and one fstat a look cost
/// a few microseconds and cannot be led astray.
/// </remarks>
internal static class LogRoutes
{
    private const string ContentType = "text/plain; charset=utf-8";
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>Whether programs have joined is asked once in so many looks.</summary>
    private const int LooksBetweenQuestions = 4;

    internal static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/applications/{aid}/logs", SendAsync)
            .WithTags("applications")
            .Produces<string>(StatusCodes.Status200OK, "text/plain")
            .Describe("getLogs", "Output of one process, or of all with the process's name before each line; with follow also what is added, until the application is removed", 400, 404);

    private static async Task SendAsync(
        string aid,
        [Description("name of the process; default: all")] string? process,
        [Description("true: go on until the application is removed; default false")] string? follow,
        [Description("number of last lines to begin with; default: all")] string? tail,
        HttpContext context,
        [FromServices] IApplicationService service, [FromServices] IInstanceAccess access, [FromServices] TimeProvider clock)
    {
        var name = Aid.Parse(aid);
        var goOn = Query.Flag("follow", follow);
        var lines = Query.Number("tail", tail, 0, int.MaxValue);
        var view = await service.GetAsync(name, context.RequestAborted);
        var known = ProcessesOf(view);
        if (process is not null && !known.Contains(process))
            throw new VniException(ErrorCodes.NotFound, $"application '{name}' has no process {DnsLabel.Quote(process)}; it has {string.Join(", ", known)}");

        var shown = process is null ? known : [process];
        await Streaming.AnswerAsync(context, ContentType, async cancellation =>
        {
            var follower = new LogFollower(shown, p => access.OpenLog(name, p), context.Response.Body);
            if (lines is { } last) await follower.SkipToLastAsync(last, cancellation);
            for (var look = 1; ; look++)
            {
                var found = await follower.SendNewAsync(cancellation);
                if (!goOn) break;

                // No log at all: none yet, or the application is gone and its files with it.
                if (!found || look % LooksBetweenQuestions == 0)
                {
                    if (await FindAsync(service, name, cancellation) is not { } now) break;
                    if (process is null) follower.Add(ProcessesOf(now));
                }

                await Task.Delay(Interval, clock, cancellation);
            }

            await follower.FinishAsync(cancellation);
        });
    }

    private static List<string> ProcessesOf(ApplicationView view) =>
        [.. view.Declaration.Processes.Concat(view.Joined).Select(p => p.Name).Union(view.Exits.Select(e => e.Process), StringComparer.Ordinal)];

    private static async Task<ApplicationView?> FindAsync(IApplicationService service, Aid aid, CancellationToken cancellationToken)
    {
        try
        {
            return await service.GetAsync(aid, cancellationToken);
        }
        catch (VniException e) when (e.Code == ErrorCodes.NotFound)
        {
            return null;
        }
    }
}
