using System.ComponentModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Node.Api;

namespace Vni.Node.Exec;

/// <summary>Visitors: programs in an instance's namespaces, over a WebSocket (RFC 6455).</summary>
internal static class ExecRoute
{
    internal static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/applications/{aid}/exec", RunAsync)
            .WithTags("applications")
            .Produces(StatusCodes.Status101SwitchingProtocols)
            .Describe("execInApplication", $"Runs a program in an application's namespaces, over a WebSocket with sub-protocol {ExecFrames.Protocol}", 400, 404, 409);

    private static async Task RunAsync(
        string aid,
        [Description("program and arguments, in order")] string[] arg,
        [Description("NAME=VALUE, added to the instance's own variables")] string[] env,
        [Description("user, and :group, as in a declaration; default root")] string? user,
        [Description("absolute path in the instance; default /")] string? workdir,
        [Description("1: with a terminal; default 0")] string? tty,
        [Description("width of the terminal; default 80")] string? cols,
        [Description("height of the terminal; default 24")] string? rows,
        HttpContext context,
        [FromServices] IApplicationService service, [FromServices] IInstanceAccess access, [FromServices] TimeProvider clock,
        [FromServices] IHostApplicationLifetime lifetime, [FromServices] ILogger<ExecSession> log)
    {
        var name = Aid.Parse(aid);
        if (!context.WebSockets.IsWebSocketRequest || !context.WebSockets.WebSocketRequestedProtocols.Contains(ExecFrames.Protocol))
            throw new VniException(ErrorCodes.InvalidArgument, $"cannot run a program in '{name}': open a WebSocket with sub-protocol {ExecFrames.Protocol}");
        var request = Check(name, arg, env, user, workdir, tty, cols, rows);
        var application = await service.GetAsync(name, context.RequestAborted);
        if (application.Status == "starting") throw new VniException(ErrorCodes.WrongState, $"nothing can be executed in application {name} yet: it is being started; try again when that has ended");
        if (application.Rules is { Environment: { Count: > 0 } set }) request = request with { Env = Variables.Over(set, request.Env) };

        await using var visitor = await access.ExecAsync(name, request, context.RequestAborted);
        using var socket = await context.WebSockets.AcceptWebSocketAsync(ExecFrames.Protocol);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        using var session = new ExecSession(visitor, socket, clock);
        if (await session.RunAsync(ended.Token) is { } status) log.VisitorEnded(name.Value, status, arg[0]);
        else log.VisitorAbandoned(name.Value, arg[0]);
    }

    private static VisitorRequest Check(Aid name, string[] arg, string[] env, string? user, string? workdir, string? tty, string? cols, string? rows)
    {
        var problems = new List<string>();
        if (arg is not [{ Length: > 0 }, ..]) problems.Add("arg must name a program");
        if (arg.Concat(env).Append(user).Append(workdir).Any(t => t?.Contains('\0') == true)) problems.Add("no text may hold a zero byte");
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var variable in env)
        {
            var equals = variable.IndexOf('=');
            if (equals > 0) variables[variable[..equals]] = variable[(equals + 1)..];
            else problems.Add($"env {DnsLabel.Quote(variable)} is not NAME=VALUE");
        }

        if (workdir is not null && !workdir.StartsWith('/')) problems.Add($"workdir {DnsLabel.Quote(workdir)} is not an absolute path");
        if (problems.Count > 0) throw new VniException(ErrorCodes.InvalidArgument, $"cannot run a program in '{name}': {string.Join("; ", problems)}");
        return new VisitorRequest(arg, variables, user ?? "root", workdir ?? "/", Query.Flag("tty", tty),
            Query.Number("cols", cols, 1, ExecSession.MaximumSize) ?? 80, Query.Number("rows", rows, 1, ExecSession.MaximumSize) ?? 24);
    }
}
