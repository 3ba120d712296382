using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Vni.Actors;
using Vni.Actors.Snapshots;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint;

/// <summary>What this node is: read once, since neither processor nor kernel changes while the daemon runs.</summary>
internal sealed partial class PlatformProbe(InterposerOptions options, IProcessSpawner spawner)
{
    /// <summary>The instruction sets and registers that a program can use after asking CPUID. What the kernel alone uses or makes
    /// up, such as mitigations, differs between equal machines and hinders no process.</summary>
    private static readonly HashSet<string> UserVisible =
    [
        .. ("3dnow 3dnowext 3dnowprefetch abm adx aes amx_bf16 amx_fp16 amx_int8 amx_tile avx avx2 avx512_4fmaps avx512_4vnniw "
            + "avx512_bf16 avx512_bitalg avx512_fp16 avx512_vbmi2 avx512_vnni avx512_vp2intersect avx512_vpopcntdq avx512bw avx512cd "
            + "avx512dq avx512er avx512f avx512ifma avx512pf avx512vbmi avx512vl avx_vnni avx_vnni_int8 avx_ifma avx_ne_convert bmi1 bmi2 "
            + "cldemote clflush clflushopt clwb clzero cmov cmpccxadd cx16 cx8 erms enqcmd f16c fma fma4 fpu fsgsbase fsrm fxsr fxsr_opt gfni "
            + "hle lahf_lm lm lwp misalignsse mmx mmxext monitorx movbe movdir64b movdiri ospke pclmulqdq pku pni popcnt prefetchi rdpid rdpru "
            + "rdrand rdseed rdtscp rtm serialize sha512 sha_ni sm3 sm4 sse sse2 sse4_1 sse4_2 sse4a ssse3 syscall tbm tsc tsxldtrk user_shstk "
            + "vaes vpclmulqdq waitpkg wbnoinvd xgetbv1 xop xsave xsavec xsaveopt xsaves").Split(' '),
    ];

    private Task<PlatformFacts>? _facts;

    /// <summary>The facts; asks CRIU for its version the first time.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NodeIncapable"/>: CRIU cannot be executed.</exception>
    public Task<PlatformFacts> GetAsync(CancellationToken cancellationToken)
    {
        if (_facts is null or { IsCompletedSuccessfully: false, IsCompleted: true }) _facts = ProbeAsync();
        return _facts.WaitAsync(cancellationToken);
    }

    /// <summary>Model name and user-visible features from the text of <c>/proc/cpuinfo</c>: line <c>flags</c> on x86, <c>Features</c>
    /// on arm64, whose kernel lists nothing else.</summary>
    internal static (string Model, IReadOnlyList<string> Features) ParseCpu(string text)
    {
        var model = CpuModel().Match(text);
        var flags = CpuFlags().Match(text);
        var all = flags.Groups["flags"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var features = flags.Groups["key"].Value == "flags" ? all.Where(UserVisible.Contains) : all;
        return (model.Groups["name"].Value.Trim(), [.. features.Order(StringComparer.Ordinal)]);
    }

    private async Task<PlatformFacts> ProbeAsync()
    {
        var (model, features) = ParseCpu(await File.ReadAllTextAsync("/proc/cpuinfo").ConfigureAwait(false));
        return new PlatformFacts
        {
            Architecture = RuntimeInformation.ProcessArchitecture switch { Architecture.X64 => "x86_64", Architecture.Arm64 => "aarch64", var other => other.ToString() },
            Kernel = (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease").ConfigureAwait(false)).Trim(),
            Criu = await AskCriuAsync().ConfigureAwait(false),
            CpuModel = model,
            CpuFeatures = features,
        };
    }

    private async Task<string> AskCriuAsync()
    {
        string output;
        try
        {
            (_, output) = await Tool.RunAsync(spawner, options.CriuPath, ["--version"]).ConfigureAwait(false);
        }
        catch (LinuxException e)
        {
            throw new VniException(ErrorCodes.NodeIncapable, $"CRIU cannot be executed: {e.Message}; 'make setup' installs it", e);
        }

        return CriuVersion().Match(output) is { Success: true } version
            ? version.Groups["number"].Value
            : throw new VniException(ErrorCodes.NodeIncapable, $"{options.CriuPath} is not CRIU or does not run here: {output.Trim()}; 'make setup' installs one that does");
    }

    [GeneratedRegex(@"^(?:model name|Model)\s*:\s*(?<name>.*)$", RegexOptions.Multiline)]
    private static partial Regex CpuModel();

    [GeneratedRegex(@"^(?<key>flags|Features)\s*:\s*(?<flags>.*)$", RegexOptions.Multiline)]
    private static partial Regex CpuFlags();

    [GeneratedRegex(@"^Version: (?<number>[0-9][0-9.]*)", RegexOptions.Multiline)]
    private static partial Regex CriuVersion();
}
