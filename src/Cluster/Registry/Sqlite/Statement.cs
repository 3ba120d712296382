using Microsoft.Data.Sqlite;

namespace Vni.Cluster.Registry.Sqlite;

/// <summary>A prepared statement with positional arguments, written <c>$0</c>, <c>$1</c>, ... in its text.</summary>
internal sealed class Statement : IDisposable
{
    private readonly SqliteCommand _command;

    public Statement(SqliteConnection connection, string sql, int arguments = 0)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
        for (var i = 0; i < arguments; i++) _command.Parameters.Add(new SqliteParameter { ParameterName = $"${i}" });
    }

    /// <summary>Runs it; the number of rows changed.</summary>
    public int Execute(params ReadOnlySpan<object> arguments)
    {
        Bind(arguments);
        return _command.ExecuteNonQuery();
    }

    /// <summary>Runs it and returns its single number.</summary>
    public long Number(params ReadOnlySpan<object> arguments)
    {
        Bind(arguments);
        return (long)_command.ExecuteScalar()!;
    }

    /// <summary>Runs it and returns its rows.</summary>
    public SqliteDataReader Query(params ReadOnlySpan<object> arguments)
    {
        Bind(arguments);
        return _command.ExecuteReader();
    }

    public void Dispose() => _command.Dispose();

    private void Bind(ReadOnlySpan<object> arguments)
    {
        for (var i = 0; i < arguments.Length; i++) _command.Parameters[i].Value = arguments[i];
    }
}
