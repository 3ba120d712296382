using System.IO.Pipes;
using System.Runtime.InteropServices;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint;

/// <summary>Runs a program to its end and collects what it says.</summary>
internal static class Tool
{
    /// <summary>Exit status, and standard output and error as one text.</summary>
    /// <exception cref="LinuxException">The program cannot be executed.</exception>
    /// <param name="spawner">Starts it.</param>
    /// <param name="path">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="descriptors">What it has open beside its output.</param>
    public static async Task<(int Status, string Output)> RunAsync(
        IProcessSpawner spawner, string path, IReadOnlyList<string> arguments, params (int Target, SafeHandle Source)[] descriptors)
    {
        await using var pipe = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.None);
        SpawnedProcess process;
        using (SafeHandle writeEnd = pipe.ClientSafePipeHandle) process = spawner.Spawn(path, arguments, [(1, writeEnd), (2, writeEnd), .. descriptors]);
        using (process)
        {
            using var reader = new StreamReader(pipe);
            var output = await reader.ReadToEndAsync().ConfigureAwait(false);
            return (await process.Exited.ConfigureAwait(false), output);
        }
    }
}
