using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Messages;

namespace Vni.Client.Transport;

/// <summary>Turns everything that can go wrong between client and daemon into one sentence that says what to do.</summary>
internal static class DaemonFailures
{
    /// <summary>No connection came about, to the last of <paramref name="count"/> daemons that were tried.</summary>
    public static VniException Unreachable(DaemonEndpoint endpoint, int count, Exception cause)
    {
        if (endpoint.IsSocket && cause.InnerException is SocketException socket) return Unreachable(endpoint.Name, socket);
        var why = cause;
        while (why.InnerException is { } inner) why = inner;
        var who = count == 1 ? $"vnid does not answer at {endpoint.Name}" : $"none of {count} nodes answers, the last at {endpoint.Name}";
        return new VniException(ErrorCodes.DaemonUnavailable, $"{who} ({why.Message.TrimEnd('.')}): check its address and that it runs", cause);
    }

    /// <summary>No connection: connect(2) on a unix socket says ENOENT, ECONNREFUSED, EACCES or something rarer.</summary>
    public static VniException Unreachable(string socketPath, SocketException cause)
    {
        var path = Show(socketPath);
        const string start = "start it with 'sudo vnid' or 'systemctl start vnid', or name its socket with --socket";
        var sentence = cause.SocketErrorCode switch
        {
            // .NET gives ENOENT as AddressNotAvailable.
            SocketError.AddressNotAvailable => $"vnid does not answer at {path} (no such file): {start}",
            SocketError.ConnectionRefused => $"vnid does not answer at {path} (nobody listens on it): {start}",
            SocketError.AccessDenied => $"vnid cannot be reached at {path} (permission denied): join group vni ('sudo usermod -aG vni $USER', then log in again), or use sudo",
            _ => $"vnid does not answer at {path} ({cause.Message}): {start}",
        };
        return new VniException(ErrorCodes.DaemonUnavailable, sentence, cause);
    }

    /// <summary>The connection ended before the answer did.</summary>
    public static VniException ConnectionLost(string socketPath, Exception? cause = null) => new(
        ErrorCodes.DaemonUnavailable,
        $"vnid at {Show(socketPath)} ended the connection before it had answered: look at what it did with 'vni ps', and for the cause at 'journalctl -u vnid'",
        cause);

    /// <summary>The answer is no JSON of the expected shape.</summary>
    public static VniException Unreadable(string socketPath, Exception? cause = null) => new(
        ErrorCodes.DaemonUnavailable,
        $"the answer from {Show(socketPath)} cannot be read: check that the socket is vnid's, and that vni and vnid are of the same version",
        cause);

    /// <summary>The error that the body of a refusal carries.</summary>
    public static async Task<VniException> ReadAsync(string socketPath, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            var error = (await JsonSerializer.DeserializeAsync(body, VniJson.Default.ErrorView, cancellationToken))?.Error;
            if (error is { Code.Length: > 0 }) return error.ToException();
        }
        catch (JsonException)
        {
            // Falls through: not an answer of vnid.
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return ConnectionLost(socketPath, e);
        }

        if (response.StatusCode == HttpStatusCode.RequestUriTooLong)
        {
            return new VniException(
                ErrorCodes.InvalidArgument, "the command and its variables are too long for one request: put them into a script in the instance and run that");
        }

        return new VniException(
            ErrorCodes.DaemonUnavailable,
            $"the answer from {Show(socketPath)} has status {(int)response.StatusCode} and no reason: check that the socket is vnid's, and that vni and vnid are of the same version");
    }

    // A path is the user's own text; a sentence shows it bare unless it would garble the terminal.
    private static string Show(string path) => path.Any(char.IsControl) ? DnsLabel.Quote(path) : path;
}
