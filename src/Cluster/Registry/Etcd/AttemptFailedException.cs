namespace Vni.Cluster.Registry.Etcd;

/// <summary>One endpoint could not be asked, or could not answer.</summary>
/// <param name="reason">Why, without the endpoint.</param>
/// <param name="applied">Whether the request may have been carried out all the same.</param>
/// <param name="inner">The cause.</param>
internal sealed class AttemptFailedException(string reason, bool applied, Exception? inner = null) : Exception(reason, inner)
{
    /// <summary>Whether the request may have been carried out all the same.</summary>
    public bool MayBeApplied { get; } = applied;
}
