namespace Alpaca.Host.Tests;

public sealed class InterruptsTests
{
    [Fact]
    public void Interrupt_DuringAPart_EndsThePartFirstThenTheCommandThenTheProcess()
    {
        using var interrupts = new Interrupts();
        using var part = interrupts.BeginPart();

        interrupts.Interrupt().Should().BeTrue();
        part.IsCancellationRequested.Should().BeTrue();
        interrupts.Token.IsCancellationRequested.Should().BeFalse();

        interrupts.Interrupt().Should().BeTrue();
        interrupts.Token.IsCancellationRequested.Should().BeTrue();
        interrupts.Interrupt().Should().BeFalse("nothing is left to cancel, so the process is to end");
    }

    [Fact]
    public void Interrupt_AfterThePart_EndsTheCommand()
    {
        using var interrupts = new Interrupts();
        using (interrupts.BeginPart()) interrupts.EndPart();

        interrupts.Interrupt();

        interrupts.Token.IsCancellationRequested.Should().BeTrue();
    }
}
