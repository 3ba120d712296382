namespace Vni.Client;

/// <summary>Where the daemon listens.</summary>
public static class VniEndpoint
{
    /// <summary>The socket of a daemon that was not told otherwise.</summary>
    public const string DefaultSocket = "/run/vniakka/vnid.sock";

    /// <summary>The environment variable that names another one.</summary>
    public const string SocketVariable = "VNI_SOCKET";

    /// <summary><paramref name="given"/>, else <c>VNI_SOCKET</c> as <paramref name="environment"/> has it, else the default.</summary>
    public static string Resolve(string? given, Func<string, string?> environment)
    {
        if (!string.IsNullOrEmpty(given)) return given;
        return environment(SocketVariable) is { Length: > 0 } variable ? variable : DefaultSocket;
    }
}
