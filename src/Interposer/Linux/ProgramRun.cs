using System.Text;

namespace Vni.Interposer.Linux;

/// <summary>Runs a helper program to its end.</summary>
internal static class ProgramRun
{
    /// <summary>Its exit status, and what it wrote to standard output and standard error, in one. When
    /// <paramref name="cancellationToken"/> fires, the program is killed.</summary>
    /// <exception cref="LinuxException">The program cannot be executed.</exception>
    public static async Task<(int Status, string Output)> RunAsync(
        IProcessSpawner spawner, EpollLoop loop, string path, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var (read, write) = Libc.Pipe();
        await using var stream = new DescriptorStream(read, loop, readable: true);
        SpawnedProcess process;
        using (write) process = spawner.Spawn(path, arguments, [(1, write), (2, write)]);
        using (process)
        {
            try
            {
                using var reader = new StreamReader(stream, Encoding.UTF8);
                var output = await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
                return (await process.Exited.WaitAsync(cancellationToken).ConfigureAwait(false), output);
            }
            catch
            {
                process.Kill(Libc.SIGKILL);
                await process.Exited.ConfigureAwait(false);
                throw;
            }
        }
    }
}
