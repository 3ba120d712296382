using Vni.Actors.Registry;

namespace Vni.Cluster.Registry;

/// <summary>What etcd refuses in a transaction before it looks at the store, refused by every store alike.</summary>
internal static class TransactionRules
{
    /// <exception cref="ArgumentException">The sentence names the branch and the key.</exception>
    public static void Check(Transaction transaction)
    {
        CheckCount("conditions", transaction.If.Count);
        CheckCount("steps in its first branch", transaction.Then.Count);
        CheckCount("steps in its second branch", transaction.Else.Count);
        long bytes = 0;
        foreach (var comparison in transaction.If) bytes += KeyInterval.Encode(comparison.Key).Length + comparison.Value.Length;
        bytes += CheckBranch(transaction.Then) + CheckBranch(transaction.Else);
        if (bytes > Transaction.MaxBytes)
            throw new ArgumentException($"The transaction has {bytes} bytes of keys and values; at most {Transaction.MaxBytes} are accepted.");
    }

    private static void CheckCount(string what, int count)
    {
        if (count > Transaction.MaxOperations)
            throw new ArgumentException($"The transaction has {count} {what}; at most {Transaction.MaxOperations} are accepted.");
    }

    /// <summary>The number of bytes in a branch.</summary>
    private static long CheckBranch(IReadOnlyList<Operation> branch)
    {
        long bytes = 0;
        var puts = new HashSet<string>(StringComparer.Ordinal);
        var deletes = new List<KeyInterval>();
        foreach (var operation in branch)
        {
            switch (operation)
            {
                case Operation.Put put:
                    bytes += KeyInterval.Encode(put.Key).Length + put.Value.Length;
                    if (!puts.Add(put.Key)) throw new ArgumentException($"The transaction puts key '{put.Key}' twice; put it once.");
                    break;
                case Operation.Delete delete:
                    deletes.Add(KeyInterval.Of(delete.Range));
                    break;
                case Operation.Get get:
                    KeyInterval.Of(get.Range);
                    break;
            }
        }

        foreach (var key in puts)
        {
            if (deletes.Exists(interval => interval.Contains(KeyInterval.Encode(key))))
                throw new ArgumentException($"The transaction puts key '{key}' and deletes it; do one of the two.");
        }

        return bytes;
    }
}
