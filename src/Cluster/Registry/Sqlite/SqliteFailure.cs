using Microsoft.Data.Sqlite;
using SQLitePCL;
using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Sqlite;

/// <summary>Turns SQLite's result codes (https://www.sqlite.org/rescode.html) into a sentence with the remedy.</summary>
internal static class SqliteFailure
{
    public static RegistryUnavailableException Explain(string path, SqliteException e) => new($"Registry {path} {Reason(path, e)}", e);

    private static string Reason(string path, SqliteException e) => e.SqliteErrorCode switch
    {
        raw.SQLITE_FULL => "cannot write because its file system is full; free space there and repeat the request.",
        raw.SQLITE_NOTADB => $"is no registry: the file is not an SQLite database. {Remedy(path)}",
        raw.SQLITE_CORRUPT => $"is damaged ({e.Message}). {Remedy(path)}",
        raw.SQLITE_READONLY => "cannot be written; make the file and its directory writable for the daemon.",
        raw.SQLITE_CANTOPEN => "cannot be opened; its directory must exist and be writable for the daemon.",
        raw.SQLITE_IOERR => $"could not be read or written ({e.Message}); look at the kernel's log for the disk and repeat the request.",
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => "is locked by another program; end the program that has opened the file.",
        _ => $"failed ({e.Message}); repeat the request, and restart the daemon if it fails again.",
    };

    public static string Remedy(string path) => $"Move {path}, {path}-wal and {path}-shm away together and put a good copy in their place, or start with none.";
}
