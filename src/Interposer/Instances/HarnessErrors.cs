using Vni.Actors;

namespace Vni.Interposer.Instances;

/// <summary>Turns what the harness reports into sentences for the user.</summary>
internal static class HarnessErrors
{
    /// <summary>Of an instance's start; the detail begins with the process's name, or with <c>-</c>.</summary>
    public static VniException OfStart(string aid, HarnessMessage.Error error, IReadOnlyList<string> masks)
    {
        var space = error.Detail.IndexOf(' ', StringComparison.Ordinal);
        var process = space < 0 ? error.Detail : error.Detail[..space];
        var detail = space < 0 ? "" : error.Detail[(space + 1)..];
        var what = process is "-" or "" ? $"cannot start application {aid}" : $"cannot start '{process}' of application {aid}";
        return Describe(what, error.Code, detail, masks);
    }

    /// <summary>Of a visitor's start.</summary>
    public static VniException OfVisit(string aid, HarnessMessage.Error error, IReadOnlyList<string> masks) =>
        Describe($"cannot execute in application {aid}", error.Code, error.Detail.StartsWith("- ", StringComparison.Ordinal) ? error.Detail[2..] : error.Detail, masks);

    /// <summary>Of a program that was to join.</summary>
    public static VniException OfJoin(string aid, string process, string code, string detail, IReadOnlyList<string> masks) => code switch
    {
        ErrorCodes.NameInUse => new(code, $"'{process}' cannot join application {aid}: a program of that name runs in it, or is declared; choose another name"),
        ErrorCodes.WrongState => new(code, $"'{process}' cannot join application {aid}: its chain is being stopped; start it anew"),
        _ => Describe($"'{process}' cannot join application {aid}", code, detail, masks),
    };

    /// <summary>The harness ended without a word.</summary>
    public static VniException Died(string aid, string during) => new(
        ErrorCodes.Internal, $"cannot start application {aid}: the harness died while {during}; the kernel's log may say why (out of memory?), then try again");

    private static VniException Describe(string what, string code, string detail, IReadOnlyList<string> masks) => code switch
    {
        ErrorCodes.CommandNotFound => new(code, $"{what}: command '{detail}' does not exist in the instance's root; check the path{Hidden(detail, masks)}"),
        ErrorCodes.CommandNotExecutable => new(code, $"{what}: command {detail}; it must be a program with permission to execute for the process's user"),
        ErrorCodes.UserNotFound => new(code, $"{what}: user '{detail}' is not in the instance's /etc/passwd (or its group not in /etc/group); use one that is, or a number below 65536"),
        ErrorCodes.WorkdirNotFound => new(code, $"{what}: working directory {detail}; name one that exists in the instance's root and that the user may enter{Hidden(detail, masks)}"),
        ErrorCodes.NotReady => new(code, $"{what}: {detail}; mend what keeps it, or give it more time (ready: timeout)"),
        ErrorCodes.RootNotFound => new(code, $"{what}: root directory {detail}; name one that exists on this node"),
        _ => new(ErrorCodes.Internal, $"{what}: {(detail.Length > 0 ? detail : code)}; 'vni check' says what this node lacks"),
    };

    /// <summary>The likely cause, where the path lies beneath something that the configuration hides.</summary>
    private static string Hidden(string path, IReadOnlyList<string> masks) =>
        masks.FirstOrDefault(mask => path == mask || path.StartsWith(mask + "/", StringComparison.Ordinal)) is { } hidden
            ? $": the node's {hidden} is hidden from instances (masks in vnid.yaml), so put the files elsewhere"
            : "";
}
