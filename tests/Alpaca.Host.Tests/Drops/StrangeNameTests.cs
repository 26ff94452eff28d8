using System.Text;

namespace Alpaca.Host.Tests;

/// <summary>Names that mean something else, cannot be shown, or are as long as names can be.</summary>
public sealed class StrangeNameTests : IDisposable
{
    private readonly DropBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [UnixTheory]
    [InlineData("two\nlines.json", "two%0Alines.json")]
    [InlineData("-rf.json", "-rf.json")]
    [InlineData("..\u00e4.json", "..\u00e4.json", false)]
    [InlineData("a\\..\\..\\b.json", "a\\..\\..\\b.json")]
    [InlineData(".reason.json", ".reason.json")]
    [InlineData("x.json.reason.json", "x.json.reason.json")]
    [InlineData("\u001b[31m.json", "%1B[31m.json")]
    [InlineData("accepted.json", "accepted.json")]
    public void Scan_GoodFileOfStrangeName_IsAcceptedUnlessHidden(string name, string accepted, bool isTaken = true)
    {
        _bench.Put(name, DropBench.Good);

        _bench.ScanWhenStill().Should().Be(isTaken ? 1 : 0);

        if (isTaken) _bench.Accepted.Should().Equal($"{DropBench.Sha256(DropBench.Good)}-{accepted}");
        else _bench.Left.Should().Equal(accepted);
    }

    [UnixTheory]
    [InlineData("two\nlines.json", "two%0Alines.json")]
    [InlineData("-rf", "-rf")]
    [InlineData(".reason.json", ".reason.json.dropped")]
    [InlineData("x.json.reason.json", "x.json.reason.json.dropped")]
    public void Scan_BadFileOfStrangeName_IsRejectedBesideItsReason(string name, string rejected)
    {
        _bench.Put(name, "bad");
        _bench.Put("x.json", "also bad");

        _bench.ScanWhenStill();

        _bench.Left.Should().BeEmpty();
        _bench.Rejected.Should().BeEquivalentTo(rejected, $"{rejected}.reason.json", "x.json", "x.json.reason.json");
        _bench.Reason(rejected).File.Should().Be(name);
        _bench.Reason("x.json").File.Should().Be("x.json");
    }

    [UnixTheory]
    [InlineData(".json", true)]
    [InlineData(".json", false)]
    [InlineData("", false)]
    public void Scan_LongestNameThereIs_IsShortened(string extension, bool isGood)
    {
        // 255 bytes, once with a name that is all extension.
        var name = extension.Length > 0 ? new string('n', 255 - extension.Length) + extension : "a." + new string('e', 253);
        _bench.Put(name, isGood ? DropBench.Good : "bad");
        _bench.ScanWhenStill().Should().Be(isGood ? 1 : 0);
        _bench.Put(name, isGood ? DropBench.Good : "bad too");
        _bench.ScanWhenStill().Should().Be(0);

        _bench.Left.Should().BeEmpty();
        (_bench.Accepted.Count, _bench.Rejected.Count).Should().Be(isGood ? (1, 2) : (0, 4));
        _bench.Rejected.Concat(_bench.Accepted).Should().OnlyContain(n => Encoding.UTF8.GetByteCount(n) <= 255).And.OnlyContain(n => isGood == false || n.Contains(extension));
    }

    [UnixFact]
    public void Scan_NameThatIsNotUtf8_IsRejectedUnderOneThatIs()
    {
        _bench.PutRaw("a\\377\\303.json", DropBench.Good);
        _bench.PutRaw("\\376", "bad");

        _bench.ScanWhenStill().Should().Be(0);

        _bench.Left.Should().BeEmpty();
        _bench.Rejected.Should().BeEquivalentTo("a%FF%C3.json", "a%FF%C3.json.reason.json", "%FE", "%FE.reason.json");
        _bench.Reason("a%FF%C3.json").Should().BeEquivalentTo(new { File = "a%FF%C3.json", Sha256 = DropBench.Sha256(DropBench.Good) });
        _bench.Reason("a%FF%C3.json").Reason.Should().Contain("not UTF-8");
        File.ReadAllText(Path.Combine(_bench.Drops.Rejected, "a%FF%C3.json")).Should().Be(DropBench.Good);
    }
}
