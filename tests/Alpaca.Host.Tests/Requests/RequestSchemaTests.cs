using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests.Requests;

public sealed class RequestSchemaTests
{
    [Fact]
    public void Describe_TrainRequest_ReadsNamesKindsAndDefaults()
    {
        var options = RequestSchema.Describe(typeof(TrainRequest)).ToDictionary(o => o.Name);

        options["LoraRank"].Should().BeEquivalentTo(new RequestOption("LoraRank", "lora-rank", typeof(int), false, false, 8, "LoRA rank", null));
        options["LrScheduler"].AllowedValues.Should().Equal("cosine", "linear", "constant");
        options["LrScheduler"].KebabName.Should().Be("lr-scheduler");
        options["Packing"].AllowedValues.Should().Equal("true", "false");
        options["TokenizerNameOrPath"].ArtifactKinds.Should().Equal("tokenizer", "model");
        options["ModelNameOrPath"].Required.Should().BeTrue();
        options["DatasetDir"].Should().Match<RequestOption>(o => o.IsList && o.Required && o.IsPath && !o.IsArtifact && o.Type == typeof(string));
        options["LoraTrainable"].Required.Should().BeFalse("it has a default");
        options["ValidationFile"].Should().Match<RequestOption>(o => !o.Required && o.Default == null && o.IsPath);
    }

    [Theory]
    [InlineData("ChineseSpModelFile", "chinese-sp-model-file")]
    [InlineData("LoraModel", "lora-model")]
    [InlineData("HTTPProxy", "http-proxy")]
    [InlineData("Seed", "seed")]
    public void ToKebabCase_PropertyName_IsTheCommandLineName(string name, string kebab) => RequestSchema.ToKebabCase(name).Should().Be(kebab);

    [Fact]
    public void Describe_EveryBuiltInRequest_IsSupported()
    {
        var requests = typeof(TrainRequest).Assembly.GetExportedTypes().Where(t => !t.IsAbstract && t.Name.EndsWith("Request", StringComparison.Ordinal)).ToList();

        requests.Should().HaveCountGreaterThan(6);
        foreach (var request in requests) RequestSchema.Describe(request).Should().NotBeEmpty().And.OnlyContain(o => o.Description.Length > 0);
    }

    [Fact]
    public void Describe_PropertyThatCannotBeWrittenInConfiguration_IsNamed()
        => FluentActions.Invoking(() => RequestSchema.Describe(typeof(Unsupported))).Should().Throw<AlpacaException>().WithMessage("Unsupported.Where is a Uri;*");

    public sealed record Unsupported
    {
        public Uri? Where { get; init; }
    }
}

public sealed class RequestBinderTests
{
    private readonly List<string> _errors = [];

    [Fact]
    public void Bind_EveryKindOfOption_IsConverted()
    {
        var request = Bind<Sample>(
            ("text", ["a, b"]), ("Count", ["1e3"]), ("Rate", ["1e-4"]), ("Mode", ["Very-Slow"]), ("On", ["TRUE"]), ("Pause", ["00:00:05"]),
            ("Names", ["x, y", "z\\,w"]), ("Numbers", ["1,2"]), ("Maybe", ["3"]));

        _errors.Should().BeEmpty();
        request.Should().BeEquivalentTo(new Sample
        {
            Text = "a, b", Count = 1000, Rate = 1e-4, Mode = Mode.VerySlow, On = true, Pause = TimeSpan.FromSeconds(5), Names = ["x", "y", "z,w"], Numbers = [1, 2], Maybe = 3,
        });
    }

    [Fact]
    public void Bind_NothingGiven_KeepsTheDefaults()
    {
        var request = Bind<Sample>(("Text", ["x"]));

        _errors.Should().BeEmpty();
        request.Should().BeEquivalentTo(new Sample { Text = "x" });
    }

    [Fact]
    public void Bind_ManyThingsWrong_ReportsAllOfThem()
    {
        Bind<Sample>(("Cuont", ["5"]), ("Rate", ["fast"]), ("Mode", ["sideways"]), ("Count", ["2000000"]), ("On", ["yes"]), ("Numbers", ["1,b"]), ("Pause", ["1", "2"]));

        _errors.Should().BeEquivalentTo(
            "--Cuont is not an option of this stage; did you mean --Count?",
            "--Rate is 'fast'; it must be a number.",
            "--Mode is 'sideways'; it must be one of fast, veryslow.",
            "--Count is 2000000; it must be from 1 to 1000.",
            "--On is 'yes'; it must be true or false.",
            "--Numbers is 'b'; it must be a whole number up to 2147483647.",
            "--Pause is given 2 times; it takes one value.",
            "--Text is missing: A text.");
    }

    [Theory]
    [InlineData("Count", "1.5")]
    [InlineData("Count", "99999999999")]
    [InlineData("Count", "")]
    [InlineData("Rate", "NaN")]
    [InlineData("Rate", "1e999")]
    [InlineData("Mode", "1")]
    public void Bind_TextThatIsNoValue_IsAnError(string name, string text)
    {
        Bind<Sample>(("Text", ["x"]), (name, [text]));

        _errors.Should().ContainSingle().Which.Should().StartWith($"--{name} is '{text}'; it must be ");
    }

    [Theory]
    [InlineData("LoraTrainable", "", "--LoraTrainable is missing: Linear layers with LoRA, comma separated, or all-linear.")]
    [InlineData("LoraRank", "0", "--LoraRank is 0; it must be from 1 to 1024.")]
    [InlineData("LoraDropout", "1", "--LoraDropout is 1; it must be from 0 to 0.99.")]
    public void Bind_TrainRequestOutOfRange_SaysTheRange(string name, string text, string error)
    {
        Bind<TrainRequest>(("ModelNameOrPath", ["m"]), ("TokenizerNameOrPath", ["t"]), ("DatasetDir", ["d"]), (name, [text]));

        _errors.Should().Equal(error);
    }

    private T Bind<T>(params (string Name, string[] Values)[] values)
        => (T)RequestBinder.Bind(typeof(T), values.ToDictionary(v => v.Name, v => (IReadOnlyList<string>)v.Values), _errors, n => $"--{n}");

    public enum Mode
    {
        Fast,
        VerySlow,
    }

    public sealed record Sample
    {
        [Required, Description("A text")]
        public string Text { get; init; } = "";

        [Range(1, 1000)]
        public int Count { get; init; } = 7;

        public double Rate { get; init; } = 0.5;

        public Mode Mode { get; init; }

        public bool On { get; init; }

        public TimeSpan Pause { get; init; }

        public IReadOnlyList<string> Names { get; init; } = [];

        public List<int> Numbers { get; init; } = [];

        public int? Maybe { get; init; }

        public string Derived => Text + Count;
    }
}
