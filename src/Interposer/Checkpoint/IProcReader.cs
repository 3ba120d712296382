namespace Vni.Interposer.Checkpoint;

/// <summary>What <c>/proc</c> of the node says of processes; see proc(5). Everything is by pid of the node, and <c>null</c>
/// when the process has ended.</summary>
internal interface IProcReader
{
    /// <summary>Content of <c>/proc/PID/NAME</c>.</summary>
    string? Read(int pid, string name);

    /// <summary>Target of the link <c>/proc/PID/NAME</c>; also <c>null</c> when there is no such link.</summary>
    string? ReadLink(int pid, string name);

    /// <summary>Threads of the process, by id on the node.</summary>
    IReadOnlyList<int> Threads(int pid);

    /// <summary>Major and minor number of the device that <c>/proc/PID/NAME</c> leads to; <c>null</c> when it is none.</summary>
    DeviceNumber? Device(int pid, string name);

    /// <summary>Name of the protocol of the socket that <c>/proc/PID/NAME</c> leads to, as the kernel has it: <c>TCP</c>, <c>UNIX-STREAM</c>.</summary>
    string? SocketProtocol(int pid, string name);
}

/// <param name="Character">Character or block device.</param>
/// <param name="Major">The driver.</param>
/// <param name="Minor">Which of its devices.</param>
internal readonly record struct DeviceNumber(bool Character, uint Major, uint Minor);
