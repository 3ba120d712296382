namespace Vni.Cluster.Registry.Etcd;

/// <summary>What etcd says when it refuses (https://github.com/etcd-io/etcd/blob/v3.4.23/etcdserver/api/v3rpc/rpctypes/error.go). The texts are
/// its contract: the codes that go with them are too few to tell one from the other.</summary>
internal static class ErrorTexts
{
    public const string LeaseNotFound = "etcdserver: requested lease not found";
    public const string Compacted = "etcdserver: mvcc: required revision has been compacted";
    public const string NoLeader = "etcdserver: no leader";
    public const string TooManyRequests = "etcdserver: too many requests";
    public const string Learner = "etcdserver: rpc not supported for learner";
    public const string TooLarge = "etcdserver: request is too large";
    public const string PermissionDenied = "etcdserver: permission denied";
    public const string Stopped = "etcdserver: server stopped";
}

/// <summary>Codes of gRPC (https://grpc.github.io/grpc/core/md_doc_statuscodes.html).</summary>
internal static class GrpcCodes
{
    public const int InvalidArgument = 3;
    public const int NotFound = 5;
    public const int PermissionDenied = 7;
    public const int ResourceExhausted = 8;
    public const int OutOfRange = 11;
    public const int Unimplemented = 12;
    public const int Internal = 13;
    public const int Unavailable = 14;
}
