using System.Globalization;
using System.Text;

namespace Vni.Interposer.Instances;

/// <summary>What the harness says on its control socket, one UTF-8 text a packet; <c>native/main.c</c> sends it.</summary>
internal abstract record HarnessMessage
{
    private HarnessMessage() { }

    /// <summary><c>init PID</c>: the namespaces exist and their first process, the node's PID, waits in its cgroup.</summary>
    public sealed record Init(int Pid) : HarnessMessage;

    /// <summary><c>started</c>: every program has been executed.</summary>
    public sealed record Started : HarnessMessage;

    /// <summary><c>tty</c>: the master of a visitor's terminal comes with it.</summary>
    public sealed record Terminal : HarnessMessage;

    /// <summary><c>error CODE PROCESS DETAIL</c>; of a visitor, and where no process is concerned, PROCESS is <c>-</c> or missing.</summary>
    public sealed record Error(string Code, string Detail) : HarnessMessage;

    /// <summary><c>null</c>: end of file, the harness has died. What cannot be understood is an error.</summary>
    public static HarnessMessage? Parse(byte[]? packet)
    {
        if (packet is null) return null;
        var text = Encoding.UTF8.GetString(packet);
        var words = text.Split(' ', 3);
        return words switch
        {
            ["started"] => new Started(),
            ["tty"] => new Terminal(),
            ["init", var pid] when int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 => new Init(number),
            ["error", var code] => new Error(code, ""),
            ["error", var code, var detail] => new Error(code, detail),
            _ => new Error("internal", $"the harness said something unknown: {text}"),
        };
    }
}
