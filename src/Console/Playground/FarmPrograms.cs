using Vni.Actors;

namespace Vni.Cli.Playground;

/// <summary>Paths of the programs that members run.</summary>
internal sealed record FarmPrograms(string Daemon, string Lighthouse, string Etcd)
{
    private const string Etc = "/usr/sbin:/sbin";

    /// <summary>Beside vni in a build, in <c>PREFIX/lib/vniakka</c> when installed; etcd in <c>PATH</c>.</summary>
    /// <exception cref="VniException">One that the shape needs is missing.</exception>
    public static FarmPrograms Locate(FarmShape shape, string directory, string? searchPath) => new(
        Own("vnid", directory),
        shape.Etcd ? "" : Own("lighthouse", directory),
        shape.Etcd ? Find("etcd", searchPath) ?? throw Missing("etcd", "install Debian's package etcd-server, or leave --etcd out") : "");

    /// <summary>A program in <c>PATH</c>, or where the administrator's are.</summary>
    public static string? Find(string program, string? searchPath) =>
        $"{searchPath}:{Etc}".Split(':', StringSplitOptions.RemoveEmptyEntries).Select(d => Path.Combine(d, program)).FirstOrDefault(File.Exists);

    /// <summary>One of those that come with every Debian, or that 'make setup' installs.</summary>
    /// <exception cref="VniException">It is missing.</exception>
    public static string Need(string program, string package, string? searchPath) =>
        Find(program, searchPath) ?? throw Missing(program, $"install Debian's package {package}, or run 'make setup'");

    private static string Own(string program, string directory) =>
        new[] { directory, Path.Combine(directory, "../lib/vniakka") }.Select(d => Path.GetFullPath(Path.Combine(d, program))).FirstOrDefault(File.Exists)
        ?? throw Missing(program, $"it should be in '{Path.TrimEndingDirectorySeparator(directory)}', beside vni: run 'make build' or 'make install'");

    private static VniException Missing(string program, string remedy) => new(ErrorCodes.NodeIncapable, $"a farm needs the program '{program}', which is not there: {remedy}");
}
