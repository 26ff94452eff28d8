using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Hostile;

/// <summary>Thousands of damaged safetensors files and indexes, and the cases that are known by name.</summary>
public sealed class SafetensorsHostileTests : IDisposable
{
    // One copy of the header, and 300 bytes for an entry of at least 48.
    private static readonly AllocationBound Bound = new(16 << 10, 12);

    // A document of JSON nodes, whose smallest entry, "a":"b", is 8 bytes long, and a dictionary of them.
    private static readonly AllocationBound IndexBound = new(96 << 10, 64);

    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.Combine("hostile.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_ChangedBytes_AreRefusedByNameOrReadable()
    {
        var run = Run(SafetensorsMutations.Bytes).Over(0, 3000);

        run.Refused.Should().BeGreaterThan(1000);
        run.Opened.Should().BeGreaterThan(100);
    }

    [Fact]
    public void Open_HeadersThatLie_AreRefusedByNameOrReadable()
    {
        var run = Run(SafetensorsMutations.Headers).Over(10_000, 3000);

        run.Refused.Should().BeGreaterThan(1000);
        run.Opened.Should().BeGreaterThan(300);
    }

    [Fact]
    public void Open_ChangedIndexes_AreRefusedByNameOrReadable()
    {
        var (first, second) = (SafetensorsMutations.File("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 4), SafetensorsMutations.File("""{"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 2));
        File.WriteAllBytes(_folder.Combine("s1.safetensors"), first);
        File.WriteAllBytes(_folder.Combine("s2.safetensors"), second);
        var index = Encoding.UTF8.GetBytes("""{"metadata":{"total_size":6},"weight_map":{"a":"s1.safetensors","b":"s2.safetensors"}}""");
        var other = Encoding.UTF8.GetBytes("""{"weight_map":{"..":"../x","\ud800":"\ud800","a\u0000":"s1.safetensors\u0000","a":7,"b":null,"c":[[{}]]}}""");
        var path = _folder.Combine("hostile.safetensors.index.json");

        // An error inside a shard names the shard.
        var run = new HostileRun(_folder.Path, IndexBound, random => Mutation.Of(index, random.Next(3) == 0 ? index : other, random), bytes => File.WriteAllBytes(path, bytes), () => Reading.All(path)).Over(20_000, 1500);

        run.Refused.Should().BeGreaterThan(500);
        run.Opened.Should().BeGreaterThan(50);
    }

    [Fact]
    public void Open_CutShortAtEveryByte_IsRefusedByName()
    {
        var whole = SafetensorsMutations.File("""{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}""", 24);
        var length = -2; // two rounds warm up

        Run(_ => whole[..Math.Max(0, length++)]).Over(0, whole.Length).Opened.Should().Be(0);
    }

    [Fact, Trait("Category", "Slow")]
    public void Open_ManyMoreOfEveryKind_AreRefusedByNameOrReadable() =>
        Run(random => random.Next(2) == 0 ? SafetensorsMutations.Bytes(random) : SafetensorsMutations.Headers(random)).Over(1_000_000, 100_000, stopAfter: TimeSpan.FromSeconds(15));

    [Theory]
    [InlineData("numbers", "[", "1,", "1]")]
    [InlineData("empty lists", "[", "[],", "1]")]
    [InlineData("objects", "{\"a\":[", "{},", "1]}")]
    [InlineData("a shape", "{\"a\":{\"dtype\":\"U8\",\"shape\":[", "1,", "1],\"data_offsets\":[0,1]}}")]
    [InlineData("a shape with something at its end", "{\"a\":{\"dtype\":\"U8\",\"shape\":[", "1,", "{}],\"data_offsets\":[0,1]}}")]
    [InlineData("unknown fields", "{\"a\":{", "\"x\":[{}],", "\"dtype\":\"U8\"}}")]
    [InlineData("metadata", "{\"__metadata__\":{", "\"x\":1,", "\"y\":\"\"}}")]
    [InlineData("depth", "{\"a\":", "[", "]}")]
    [InlineData("depth in metadata", "{\"__metadata__\":", "{\"a\":", "1}}")]
    [InlineData("one long name", "{\"", "x", "\":{}}")]
    [InlineData("one long escaped name", "{\"", "\\u0041", "\":{}}")]
    [InlineData("one long type", "{\"a\":{\"dtype\":\"", "F", "\"}}")]
    public void Open_OneThingOverAndOver_StaysInBounds(string what, string before, string repeated, string after)
    {
        var header = before + string.Concat(Enumerable.Repeat(repeated, (1 << 19) / repeated.Length)) + after;

        Run(_ => SafetensorsMutations.File(header, 1)).Over(what.Length, 1).Opened.Should().Be(0);
    }

    [Fact]
    public void Open_AsManyTensorsAsFit_StaysInBounds()
    {
        var header = "{" + string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"\"{i}\":{{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[{i},{i + 1}]}}")) + "}";

        Run(_ => SafetensorsMutations.File(header, 10_000)).Over(0, 1).Opened.Should().Be(1);
    }

    [Fact]
    public void Open_AsManyNamesAsFitInAnIndex_StaysInBounds()
    {
        _folder.Write("s", "");
        var path = _folder.Combine("hostile.index.json");
        var index = Encoding.UTF8.GetBytes("{\"weight_map\":{" + string.Join(',', Enumerable.Range(0, 40_000).Select(i => $"\"{i:x}\":\"s\"")) + "}}");

        new HostileRun(_folder.Path, IndexBound, _ => index, bytes => File.WriteAllBytes(path, bytes), () => Reading.All(path)).Over(0, 1).Refused.Should().Be(1);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", "*a and b overlap*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", "*overlap*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[1,9]}}""", "*a lies at bytes 1 to 9 of 8*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[9223372036854775800,9223372036854775807]}}""", "*a lies at bytes*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,9223372036854775808]}}""", "*two data_offsets*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", "*bytes 0 to 4 belong to no tensor*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "*bytes 4 to 8 belong to no tensor*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", "*bytes 2 to 4 belong to no tensor*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", "*holds a twice*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"\u0061":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", "*holds a twice*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"shape":[4],"data_offsets":[0,8]}}""", "*has shape twice*")]
    [InlineData("""{"a":{"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", "*has dtype twice*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8],"data_offsets":[0,8]}}""", "*has data_offsets twice*")]
    [InlineData("""{"__metadata__":{"x":"1","x":"2"},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", "*metadata hold x twice*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[-8],"data_offsets":[0,8]}}""", "*whole numbers*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[-2,-4],"data_offsets":[0,8]}}""", "*whole numbers*")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2,4611686018427387904,2],"data_offsets":[0,0]}}""", "*does not fill*")]
    [InlineData("""{"a":{"dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8]}}""", "*does not fill*")]
    [InlineData("""{"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", "*does not fill*")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", "*not valid JSON*")]
    [InlineData("""{"a":{"dtype":"\udc00","shape":[8],"data_offsets":[0,8]}}""", "*not valid JSON*")]
    [InlineData("""{"__metadata__":{"x":"\ud800"},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", "*not valid JSON*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}{}""", "*not valid JSON*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},}""", "*not valid JSON*")]
    [InlineData("", "*not valid JSON*")]
    public void Open_Lies_SayWhatIsWrong(string header, string message) => Refuse(SafetensorsMutations.File(header, 8), message);

    [Fact]
    public void Open_NamesThatAreNotUtf8_AreRefused()
    {
        byte[] header = [.. "{\"a"u8, 0xFF, 0xC0, .. "\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}"u8];

        Refuse(SafetensorsMutations.File(header, 8), "*not valid JSON*");
    }

    [Theory]
    [InlineData(1ul << 63)]
    [InlineData((1ul << 63) - 1)]
    [InlineData(ulong.MaxValue)]
    [InlineData(ulong.MaxValue - 7)]
    public void Open_HeaderOfAnyLength_IsRefused(ulong length) => Refuse([.. BitConverter.GetBytes(length), .. "{}"u8], $"*header would be {length} bytes*");

    [Fact]
    public void Open_SixtyFourDimensions_AreReadAndSixtyFiveRefused()
    {
        File.WriteAllBytes(FilePath, SafetensorsMutations.File(Header(64), 8));
        using (var file = SafetensorsFile.Open(FilePath))
        {
            file.Tensors[0].Shape.Should().HaveCount(64);
        }

        Refuse(SafetensorsMutations.File(Header(65), 8), "*more than 64 dimensions*");

        static string Header(int rank) => $$"""{"a":{"dtype":"U8","shape":[8{{string.Concat(Enumerable.Repeat(",1", rank - 1))}}],"data_offsets":[0,8]} }""";
    }

    [Fact]
    public void Read_ATensorOfNothing_GivesNothing()
    {
        File.WriteAllBytes(FilePath, SafetensorsMutations.File("""{"a":{"dtype":"F32","shape":[3,0],"data_offsets":[8,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", 8));

        using var file = SafetensorsFile.Open(FilePath);

        file.ReadBytes(file.Find("a")!).Should().BeEmpty();
    }

    [Fact]
    public void Open_DirectoryOrNothing_IsRefused()
    {
        Refuse([], "*has only 0 bytes*");
        FluentActions.Invoking(() => SafetensorsFile.Open(_folder.Path)).Should().Throw<AlpacaException>().WithMessage($"*{_folder.Path} cannot be opened*");
        Directory.CreateDirectory(_folder.Combine("model.safetensors"));
        FluentActions.Invoking(() => TensorSource.Open(_folder.Path)).Should().Throw<AlpacaException>().WithMessage("*holds no weights*");
    }

    [Fact]
    public void Read_FileCutShortWhileOpen_SaysSo()
    {
        File.WriteAllBytes(FilePath, SafetensorsMutations.File("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", 8));
        using var file = SafetensorsFile.Open(FilePath);
        using (var shorter = new FileStream(FilePath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            shorter.SetLength(shorter.Length - 1);
        }

        file.Invoking(f => f.ReadBytes(f.Find("a")!)).Should().Throw<AlpacaException>().WithMessage("*hostile.safetensors ends at byte*");
    }

    [Fact]
    public void Open_NamesWithControlCharacters_AreShownWithoutThem() =>
        Refuse(SafetensorsMutations.File("""{"a\u001b[2J\nb":{"dtype":"U8","shape":[8],"data_offsets":[1,9]}}""", 8), "*: a?[2J?b lies*");

    [Theory]
    [InlineData("../s1.safetensors")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("..\\\\s1.safetensors")]
    [InlineData("sub/s1.safetensors")]
    [InlineData("C:s1.safetensors")]
    [InlineData("C:\\\\s1.safetensors")]
    [InlineData("\\\\\\\\server\\\\share")]
    [InlineData("s1.safetensors\\u0000")]
    [InlineData("\\u002e\\u002e\\u002fs1.safetensors")]
    public void Open_IndexThatLeavesTheFolder_IsRefused(string file)
    {
        File.WriteAllText(_folder.Combine("hostile.index.json"), $$"""{"weight_map":{"a":"{{file}}"} }""");

        FluentActions.Invoking(() => TensorSource.Open(_folder.Combine("hostile.index.json"))).Should().Throw<AlpacaException>().WithMessage("*hostile.index.json gives*only names of files in the same folder*");
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"s","a":"s"}}""", "*not valid JSON*")]
    [InlineData("""{"weight_map":{"\ud800":"s"}}""", "*not valid JSON*")]
    [InlineData("""{"weight_map":{"a":"\ud800"}}""", "*not valid JSON*")]
    [InlineData("""{"metadata":{"\ud800":1},"weight_map":{"a":"hostile.index.json"}}""", "*not valid JSON*")]
    [InlineData("""{"weight_map":{"a":"hostile.index.json"}}""", "*hostile.index.json is neither*")]
    [InlineData("""{"weight_map":[]}""", "*no weight_map*")]
    [InlineData("""{"weight_map":{"a":["s"]}}""", "*only names of files*")]
    [InlineData("""[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[""", "*not valid JSON*")]
    [InlineData("", "*not valid JSON*")]
    public void Open_OddIndexes_SayWhatIsWrong(string json, string message)
    {
        File.WriteAllText(_folder.Combine("hostile.index.json"), json);

        FluentActions.Invoking(() => TensorSource.Open(_folder.Combine("hostile.index.json"))).Should().Throw<AlpacaException>().WithMessage(message).WithMessage("*hostile.index.json*");
    }

    [Fact]
    public void Open_IndexThatIsNotUtf8_IsRefused()
    {
        File.WriteAllBytes(_folder.Combine("hostile.index.json"), [.. "{\"weight_map\":{\"a"u8, 0xFF, .. "\":\"s\"}}"u8]);

        FluentActions.Invoking(() => TensorSource.Open(_folder.Combine("hostile.index.json"))).Should().Throw<AlpacaException>().WithMessage("*hostile.index.json is not valid JSON*");
    }

    private HostileRun Run(Func<Random, byte[]> make) => new("hostile.safetensors", Bound, make, bytes => File.WriteAllBytes(FilePath, bytes), () => Reading.All(FilePath));

    private void Refuse(byte[] file, string message)
    {
        File.WriteAllBytes(FilePath, file);
        FluentActions.Invoking(() => SafetensorsFile.Open(FilePath)).Should().Throw<AlpacaException>().WithMessage(message).WithMessage("*hostile.safetensors*").Which.Message.Should().NotMatchRegex(@"\p{C}");
    }
}
