using System.Text;

namespace Vni.Cli.Output;

/// <summary>Takes bytes and hands on whole lines, without their ends; invalid UTF-8 becomes U+FFFD.</summary>
internal sealed class LineStream(Action<string> line) : WriteOnlyStream
{
    private readonly MemoryStream _rest = new();

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.IndexOf((byte)'\n') is var end and >= 0)
        {
            _rest.Write(buffer[..end]);
            Emit();
            buffer = buffer[(end + 1)..];
        }

        _rest.Write(buffer);
    }

    /// <summary>Hands on a last line that has no end.</summary>
    public void Complete()
    {
        if (_rest.Length > 0) Emit();
    }

    private void Emit()
    {
        line(Encoding.UTF8.GetString(_rest.GetBuffer(), 0, (int)_rest.Length));
        _rest.SetLength(0);
    }
}
