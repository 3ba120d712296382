using Microsoft.Data.Sqlite;
using SQLitePCL;
using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Sqlite;

/// <summary>
/// The database file. Pages are checksummed by the write-ahead log until they are in place, and a commit returns when
/// the log is on disk (synchronous=FULL): a crash loses what was not acknowledged and nothing else.
/// </summary>
internal static class RegistryFile
{
    private const int ApplicationId = 0x564E4952; // "VNIR"
    private const int Format = 1;

    // Keys are BLOBs because SQLite compares those with memcmp: the order that etcd has.
    private const string Schema = $"""
        CREATE TABLE store(revision INTEGER NOT NULL, oldest INTEGER NOT NULL, next_lease INTEGER NOT NULL);
        INSERT INTO store VALUES(1, 1, 1);
        CREATE TABLE pairs(key BLOB NOT NULL UNIQUE, value BLOB NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL,
            version INTEGER NOT NULL, lease INTEGER NOT NULL);
        CREATE INDEX pairs_lease ON pairs(lease, key) WHERE lease <> 0;
        CREATE TABLE history(id INTEGER PRIMARY KEY, modified INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
            created INTEGER NOT NULL, version INTEGER NOT NULL, lease INTEGER NOT NULL);
        CREATE INDEX history_modified ON history(modified);
        CREATE TABLE leases(id INTEGER PRIMARY KEY, seconds INTEGER NOT NULL, deadline INTEGER NOT NULL);
        """;

    static RegistryFile() => Batteries_V2.Init();

    /// <summary>Opens the connection that writes, after a check of the whole file; makes the file if there is none.</summary>
    /// <exception cref="RegistryUnavailableException">Damaged, foreign, of a later format, not accessible.</exception>
    public static SqliteConnection OpenForWriting(string path)
    {
        if (path != SqliteRegistryOptions.InMemory) CreateFile(path);
        var connection = Connect(path);
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
            Prepare(connection, path);
            return connection;
        }
        catch (SqliteException e)
        {
            connection.Dispose();
            throw SqliteFailure.Explain(path, e);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Opens a connection that reads what is committed while the other one writes.</summary>
    public static SqliteConnection OpenForReading(string path)
    {
        var connection = Connect(path);
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA query_only=ON;");
            return connection;
        }
        catch (SqliteException e)
        {
            connection.Dispose();
            throw SqliteFailure.Explain(path, e);
        }
    }

    /// <summary>Runs statements that return nothing of interest.</summary>
    public static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static SqliteConnection Connect(string path) =>
        new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());

    /// <summary>Values may be secrets (environment variables): the file, and the log that takes its mode, is the owner's alone.</summary>
    private static void CreateFile(string path)
    {
        try
        {
            using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.ReadWrite,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RegistryUnavailableException($"Registry {path} cannot be opened: {e.Message} The file must be readable and writable for the daemon.", e);
        }
    }

    private static void Prepare(SqliteConnection connection, string path)
    {
        var application = Scalar(connection, "PRAGMA application_id");
        var format = Scalar(connection, "PRAGMA user_version");
        if (Scalar(connection, "SELECT count(*) FROM sqlite_schema") is 0L)
        {
            Execute(connection, $"BEGIN IMMEDIATE; {Schema} PRAGMA application_id={ApplicationId}; PRAGMA user_version={Format}; COMMIT;");
            return;
        }

        if (application is not (long)ApplicationId)
            throw new RegistryUnavailableException($"Registry {path} is no registry: the file is a database of another program. Name another file.");
        if (format is not (long)Format)
            throw new RegistryUnavailableException($"Registry {path} has format {format}, and this version reads format {Format}; use the version that wrote it.");
        if (Scalar(connection, "PRAGMA quick_check(1)") is string result && result != "ok")
            throw new RegistryUnavailableException($"Registry {path} is damaged ({result.ReplaceLineEndings(" ")}). {SqliteFailure.Remedy(path)}");
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
