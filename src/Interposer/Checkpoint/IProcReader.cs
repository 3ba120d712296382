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

    /// <summary>What <c>/proc/PID/NAME</c> leads to; <c>null</c> when it leads nowhere.</summary>
    FileLook? Look(int pid, string name);

    /// <summary>Name of the protocol of the socket that <c>/proc/PID/NAME</c> leads to, as the kernel has it: <c>TCP</c>, <c>UNIX-STREAM</c>.</summary>
    string? SocketProtocol(int pid, string name);

    /// <summary>Whether <c>/proc/PID/NAME</c> leads to a POSIX message queue.</summary>
    bool IsMessageQueue(int pid, string name);
}

/// <summary>What statx(2) says of a file.</summary>
/// <param name="IsRegular">Whether it is a regular file.</param>
/// <param name="Device">Of a device file: which; else <c>null</c>.</param>
/// <param name="Inode">Its number.</param>
/// <param name="Links">Names that it has.</param>
/// <param name="Allocated">Bytes that it takes.</param>
/// <param name="Mount">The mount that it is on, as in <c>/proc/PID/mountinfo</c>; <c>null</c>: the kernel (before 5.8) does not say.</param>
internal readonly record struct FileLook(bool IsRegular, DeviceNumber? Device, ulong Inode, uint Links, ulong Allocated, ulong? Mount);

/// <param name="Character">Character or block device.</param>
/// <param name="Major">The driver.</param>
/// <param name="Minor">Which of its devices.</param>
internal readonly record struct DeviceNumber(bool Character, uint Major, uint Minor);
