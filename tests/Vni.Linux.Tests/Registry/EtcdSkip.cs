using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace Vni.Linux.Tests.Registry;

/// <summary>A test that is skipped, with the reason, where etcd is not installed.</summary>
public sealed class EtcdFactAttribute : FactAttribute
{
    public EtcdFactAttribute() => Skip = EtcdCluster.Missing;
}

/// <summary>Does the same for a class whose tests are inherited, and so have their attributes already.</summary>
public sealed class EtcdOrderer(IMessageSink sink) : ITestCaseOrderer
{
    public const string TypeName = "Vni.Linux.Tests.Registry.EtcdOrderer";
    public const string AssemblyName = "Vni.Linux.Tests";

    public IEnumerable<T> OrderTestCases<T>(IEnumerable<T> testCases)
        where T : ITestCase =>
        EtcdCluster.Missing is { } reason ? testCases.Select(test => (T)Skipped(test, reason)) : testCases;

    private ITestCase Skipped(ITestCase test, string reason) =>
        new XunitSkippedDataRowTestCase(sink, TestMethodDisplay.ClassAndMethod, TestMethodDisplayOptions.None, test.TestMethod, reason, test.TestMethodArguments);
}
