namespace Vni.Cluster.Registry.Etcd;

/// <summary>Where each request goes; <see cref="LeaseRevokeAlias"/> and <see cref="LeaseTimeToLiveAlias"/> are etcd's older names.</summary>
internal static class EtcdPaths
{
    public const string Range = "/v3/kv/range";
    public const string Put = "/v3/kv/put";
    public const string DeleteRange = "/v3/kv/deleterange";
    public const string Txn = "/v3/kv/txn";
    public const string LeaseGrant = "/v3/lease/grant";
    public const string LeaseKeepAlive = "/v3/lease/keepalive";
    public const string LeaseRevoke = "/v3/lease/revoke";
    public const string LeaseRevokeAlias = "/v3/kv/lease/revoke";
    public const string LeaseTimeToLive = "/v3/lease/timetolive";
    public const string LeaseTimeToLiveAlias = "/v3/kv/lease/timetolive";
    public const string Watch = "/v3/watch";
    public const string Status = "/v3/maintenance/status";
    public const string Version = "/version";
    public const string Health = "/health";
}
