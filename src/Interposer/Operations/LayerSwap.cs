using Vni.Interposer.Instances;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Operations;

/// <summary>
/// Exchanges an instance's layer for another one so that at every instant one of them is whole and known to be valid:
/// <c>upper</c> is, unless <c>upper.old</c> exists, which is then the valid one until the exchange is completed.
/// </summary>
internal sealed class LayerSwap(InstancePaths paths)
{
    private string New => paths.Upper + ".new";

    private string Old => paths.Upper + ".old";

    private string Gone => paths.Upper + ".gone";

    /// <summary>Makes the empty directory for the new layer.</summary>
    public string BeginNew()
    {
        TreeRemoval.Remove(New);
        Directory.CreateDirectory(New);
        return New;
    }

    /// <summary>The layer that is there serves.</summary>
    public void Keep() => RenewWork();

    /// <summary>A directory that is on the same file system, and complete, is the new layer.</summary>
    public void BeginWith(string layer)
    {
        TreeRemoval.Remove(New);
        Directory.Move(layer, New);
    }

    /// <summary>Ends an exchange that was not completed as <see cref="Undo"/> does, but keeps the new layer.</summary>
    public void TakeBack(string layer)
    {
        if (!Directory.Exists(Old)) return;
        Directory.Move(paths.Upper, layer);
        Directory.Move(Old, paths.Upper);
    }

    /// <summary>Puts the new layer in place, with a fresh work directory: overlayfs keeps notes on the layer in it.</summary>
    public void Exchange()
    {
        RenewWork();
        if (Directory.Exists(paths.Upper)) Directory.Move(paths.Upper, Old);
        else Directory.CreateDirectory(Old);
        Directory.Move(New, paths.Upper);
    }

    /// <summary>The new layer is valid from now on, from one rename to the next instant; what is deleted after it has no meaning.</summary>
    public void Complete()
    {
        if (Directory.Exists(Old))
        {
            TreeRemoval.Remove(Gone);
            Directory.Move(Old, Gone);
        }

        TreeRemoval.Remove(Gone);
    }

    private void RenewWork()
    {
        TreeRemoval.Remove(paths.Work);
        Directory.CreateDirectory(paths.Work);
    }

    /// <summary>Puts the former layer back, also after a crash; nothing happens when no exchange is under way.</summary>
    public void Undo()
    {
        if (Directory.Exists(Old))
        {
            TreeRemoval.Remove(paths.Upper);
            Directory.Move(Old, paths.Upper);
        }

        TreeRemoval.Remove(New);
    }
}
