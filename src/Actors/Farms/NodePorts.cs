using Vni.Actors.Interposition;
using Vni.Actors.Messaging;

namespace Vni.Actors.Farms;

/// <summary>What the actors of a node work with, beside the registry: its kernel and its peers.</summary>
/// <param name="Interposer">Instances and snapshots.</param>
/// <param name="Access">Looking into instances.</param>
/// <param name="Transfer">Moving instances.</param>
/// <param name="Fence">Keeping instances from running.</param>
/// <param name="Shipping">Copies of snapshots.</param>
/// <param name="Messenger">Questions to other nodes.</param>
/// <param name="Receiver">Answers to them.</param>
public sealed record NodePorts(
    IInterposer Interposer, IInstanceAccess Access, IInstanceTransfer Transfer, INodeFence Fence, ISnapshotShipping Shipping, INodeMessenger Messenger, INodeReceiver Receiver);
