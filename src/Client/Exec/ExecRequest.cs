using System.Text;

namespace Vni.Client.Exec;

/// <summary>A program to run as a visitor in an instance.</summary>
public sealed record ExecRequest
{
    /// <summary>Program and arguments; at least the program.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Added to the instance's own variables.</summary>
    public IReadOnlyDictionary<string, string> Env { get; init; } = new Dictionary<string, string>();

    /// <summary>User name or uid with an optional <c>:group</c>; <c>null</c>: root of the instance.</summary>
    public string? User { get; init; }

    /// <summary>Absolute path in the instance; <c>null</c>: <c>/</c>.</summary>
    public string? Workdir { get; init; }

    /// <summary>Size of the terminal that it gets; <c>null</c>: no terminal, three pipes.</summary>
    public TerminalSize? Terminal { get; init; }

    /// <summary>As the query of a URI, with its question mark.</summary>
    internal string Query()
    {
        var query = new StringBuilder();
        foreach (var argument in Command) Add("arg", argument);
        foreach (var (name, value) in Env) Add("env", $"{name}={value}");
        if (User is not null) Add("user", User);
        if (Workdir is not null) Add("workdir", Workdir);
        if (Terminal is { } size) Add("tty", "1").Append($"&cols={size.Columns}&rows={size.Rows}");
        return query.ToString();

        StringBuilder Add(string name, string value) =>
            query.Append(query.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
    }
}

/// <param name="Columns">Characters in a line.</param>
/// <param name="Rows">Lines.</param>
public readonly record struct TerminalSize(int Columns, int Rows);
