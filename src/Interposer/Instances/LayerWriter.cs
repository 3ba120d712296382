using System.Text;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Instances;

/// <summary>Writes into the layer at <paramref name="upper"/>, never outside it, whatever is in it.</summary>
internal sealed class LayerWriter(string upper) : ILayerWriter
{
    private readonly RootedDirectory _layer = new(upper);

    /// <inheritdoc />
    public void Apply(LayerStep step)
    {
        switch (step)
        {
            case LayerStep.MakeDirectory d:
                _layer.MakeDirectory(d.Path, d.Mode, d.Uid, d.Gid, d.Opaque, d.Redirect);
                break;
            case LayerStep.Device d:
                _layer.MakeCharacterDevice(d.Path, d.Major, d.Minor, d.Mode);
                break;
            case LayerStep.Whiteout w:
                _layer.MakeCharacterDevice(w.Path, 0, 0, 0);
                break;
            case LayerStep.Link l:
                _layer.MakeLink(l.Path, l.Target);
                break;
            case LayerStep.Text t:
                using (var file = _layer.CreateFile(t.Path, t.Mode, 0, 0)) RandomAccess.Write(file, Encoding.UTF8.GetBytes(t.Content), 0);
                break;
            case LayerStep.CopyOf c:
                using (var source = File.OpenRead(c.Source))
                using (var target = new FileStream(_layer.CreateFile(c.Path, c.Mode, c.Uid, c.Gid), FileAccess.Write, bufferSize: 0))
                {
                    source.CopyTo(target);
                }

                break;
            case LayerStep.Remove r:
                _layer.Remove(r.Path);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(step), step, "no such step");
        }
    }

    /// <inheritdoc />
    public void Dispose() => _layer.Dispose();
}
