using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Vni.Node.Api;

/// <summary>
/// Memory for what connections receive: blocks of 64 KiB, not the server's 4 KiB, because each block is a call of the kernel of its own.
/// A connection on which nothing arrives holds none.
/// </summary>
internal sealed class LargeBlocks : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private const int BlockSize = 64 << 10;

    /// <inheritdoc />
    public override int MaxBufferSize => Shared.MaxBufferSize;

    /// <inheritdoc />
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(minBufferSize, BlockSize));

    /// <inheritdoc />
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        // The blocks belong to the process.
    }
}
