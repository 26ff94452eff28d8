using Alpaca.Abstractions;
using Microsoft.Extensions.Logging.Abstractions;

namespace Alpaca.TestSupport;

/// <summary>Stage contexts for tests that run a stage by itself.</summary>
internal static class StageContexts
{
    /// <summary>A context that writes to <c>out/</c> and resumes from <c>resume/</c> below a temporary folder.</summary>
    public static StageContext In(TemporaryFolder folder, string output = "out", TimeProvider? time = null) => new()
    {
        OutputFolder = folder.CreateFolder(output),
        ResumeFolder = folder.CreateFolder("resume"),
        Progress = NullProgress.Instance,
        Logger = NullLogger.Instance,
        TimeProvider = time ?? TimeProvider.System,
    };
}
