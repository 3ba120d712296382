namespace Vni.Client;

/// <summary>Which part of an application's output.</summary>
public sealed record LogsRequest
{
    /// <summary>Name of one process; <c>null</c>: all, each line led by its process's name when there are several.</summary>
    public string? Process { get; init; }

    /// <summary>Whether to go on with what is written from now on.</summary>
    public bool Follow { get; init; }

    /// <summary>Only so many lines from the end; <c>null</c>: all.</summary>
    public int? Tail { get; init; }

    /// <summary>As the query of a URI, with its question mark; empty when nothing is asked for.</summary>
    internal string Query()
    {
        var parts = new List<string>(3);
        if (Process is not null) parts.Add("process=" + Uri.EscapeDataString(Process));
        if (Follow) parts.Add("follow=true");
        if (Tail is { } tail) parts.Add($"tail={tail}");
        return parts.Count == 0 ? "" : "?" + string.Join('&', parts);
    }
}
