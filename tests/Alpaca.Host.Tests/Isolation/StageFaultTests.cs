using System.Net;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

public sealed class StageFaultTests
{
    public static TheoryData<Exception, bool> Failures => new()
    {
        { new AlpacaException("The data is bad."), false },
        { new AlpacaException("The server is away.") { IsTransient = true }, true },
        { new AlpacaException("The server is away.", new HttpRequestException("No route to host")), true },
        { new AlpacaException("The model is not there.", new HttpRequestException("Not found", null, HttpStatusCode.NotFound)), false },
        { new AlpacaUsageException("The option is wrong."), false },
        { new IOException("The disk is full."), true },
        { new FileNotFoundException("The file is gone."), false },
        { new HttpRequestException("Connection refused"), true },
        { new TimeoutException("It took too long."), true },
        { new UnauthorizedAccessException("No access."), false },
        { new InvalidOperationException("A defect."), false },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void ToException_OfAMessage_IsAsTransientAsWhatWasThrown(Exception thrown, bool isTransient)
    {
        TransientFailure.Is(thrown).Should().Be(isTransient);

        TransientFailure.Is(StageFault.ToException(StageFault.ToMessage(thrown))).Should().Be(isTransient);
    }
}
