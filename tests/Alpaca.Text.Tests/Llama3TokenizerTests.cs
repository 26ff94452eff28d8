using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

public sealed class Llama3TokenizerTests : IDisposable
{
    private const int Pieces = 676;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Encode_TiktokenFile_GivesTiktokenIds()
    {
        var tokenizer = ModelTokenizer.Load(Llama3Fixture.TiktokenPath);
        foreach (var sample in Llama3Fixture.Load().Encode)
            tokenizer.Encode(sample.Text).Should().Equal(sample.Tiktoken, "that is what tiktoken gives for '{0}'", sample.Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Encode_TokenizerJson_GivesHuggingFaceIds(bool mergesAreArrays)
    {
        var tokenizer = Load(Llama3Fixture.TokenizerJson(mergesAreArrays));
        foreach (var sample in Llama3Fixture.Load().Encode)
            tokenizer.Encode(sample.Text, parseSpecial: true).Should().Equal(sample.Tokenizers, "that is what tokenizers gives for '{0}'", sample.Text);
    }

    [Fact]
    public void Decode_TokenizerJson_GivesHuggingFaceTexts()
    {
        var tokenizer = Load(Llama3Fixture.TokenizerJson());
        foreach (var sample in Llama3Fixture.Load().Decode)
        {
            tokenizer.Decode(sample.Ids).Should().Be(sample.Text, "ids {0}", string.Join(' ', sample.Ids));
            tokenizer.Decode(sample.Ids, skipSpecialTokens: false).Should().Be(sample.WithSpecial, "ids {0}", string.Join(' ', sample.Ids));
        }
    }

    [Fact]
    public void Encode_IgnoreMergesOff_TakesOnlyWhatMerges()
    {
        var json = Llama3Fixture.TokenizerJson();
        var merges = json["model"]!["merges"]!.AsArray();
        merges.RemoveAll(merge => merge!.GetValue<string>() is "Ġ t");
        json["model"]!["ignore_merges"] = false;
        Load(json).Encode(" t").Should().HaveCount(2, "the piece is there, but nothing merges into it");
        json["model"]!["ignore_merges"] = true;
        Load(json).Encode(" t").Should().HaveCount(1);
    }

    [Fact]
    public void Encode_LongWord_TakesTimeInProportion()
    {
        var tokenizer = ModelTokenizer.Load(Llama3Fixture.TiktokenPath);
        // One word of 400,000 letters: quadratic time would take hours.
        var text = string.Concat(Enumerable.Repeat("污染保护", 100_000));
        tokenizer.Decode(tokenizer.Encode(text)).Should().Be(text);
    }

    [Fact]
    public void Load_TiktokenFile_HasTheSpecialTokensOfLlama31()
    {
        var tokenizer = ModelTokenizer.Load(Llama3Fixture.TiktokenPath).Should().BeOfType<Llama3Tokenizer>().Subject;
        (tokenizer.VocabularySize, tokenizer.BosId, tokenizer.EosId, tokenizer.UnkId, tokenizer.PadId).Should().Be((Pieces + 256, Pieces, Pieces + 1, null, null));
        (tokenizer.SpecialIdOf("<|eot_id|>"), tokenizer.SpecialIdOf("<|eom_id|>"), tokenizer.SpecialIdOf("<|none|>")).Should().Be((Pieces + 9, Pieces + 8, null));
        (tokenizer.PieceOf(Pieces + 9), tokenizer.PieceOf(Pieces + 256), tokenizer.PieceOf(-1)).Should().Be(("<|eot_id|>", null, null));
    }

    [Fact]
    public void Load_FolderWithConfiguration_TakesTheEndItNames()
    {
        _folder.Write("tokenizer_config.json", """{"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "pad_token": "<|end_of_text|>"}""");
        var tokenizer = Load(Llama3Fixture.TokenizerJson());
        (tokenizer.BosId, tokenizer.EosId, tokenizer.PadId).Should().Be((Pieces, Pieces + 2, Pieces + 1));
        tokenizer.Encode("a", addBos: true, addEos: true).Should().StartWith(Pieces).And.EndWith(Pieces + 2);
        tokenizer.Encode("a <|end_of_text|> b", parseSpecial: true).Should().Equal([.. tokenizer.Encode("a "), Pieces + 1, .. tokenizer.Encode(" b")], "no spaces vanish around it");
    }

    [Theory]
    [InlineData("""{"eos_token_id": [678, 677]}""", 678)]
    [InlineData("""{"eos_token_id": 678}""", 678)]
    [InlineData("""{"eos_token_id": null}""", 677)]
    public void Load_NoEndNamedButInGenerationConfig_TakesItsFirst(string json, int eos)
    {
        _folder.Write("generation_config.json", json);
        Load(Llama3Fixture.TokenizerJson()).EosId.Should().Be(eos);
    }

    [Fact]
    public void Load_FolderWithTiktokenFileAndJson_TakesTheJson()
    {
        File.Copy(Llama3Fixture.TiktokenPath, _folder.Combine("tokenizer.model"));
        ModelTokenizer.Load(_folder.Path).VocabularySize.Should().Be(Pieces + 256);
        Load(Llama3Fixture.TokenizerJson()).VocabularySize.Should().Be(Pieces + 3);
    }

    public static TheoryData<string, string, string> Unsupported => new()
    {
        { "model/type", "\"WordPiece\"", "*tokenizer.json has a model of the type WordPiece*not supported*" },
        { "model/byte_fallback", "true", "*tokenizer.json is a SentencePiece vocabulary without its tokenizer.model*" },
        { "model/dropout", "0.1", "*the setting dropout 0.1*not supported*" },
        { "model/unk_token", "\"<unk>\"", "*the setting unk_token <unk>*not supported*" },
        { "normalizer", "{\"type\": \"NFC\"}", "*the normalizer NFC*not supported*" },
        { "pre_tokenizer", "{\"type\": \"ByteLevel\"}", "*a pre-tokenizer other than Llama 3's*not supported*" },
        { "pre_tokenizer/pretokenizers/0/pattern/Regex", "\"\\\\s+\"", "*a pre-tokenizer other than Llama 3's*" },
        { "pre_tokenizer/pretokenizers/0/behavior", "\"Removed\"", "*a pre-tokenizer other than Llama 3's*" },
        { "pre_tokenizer/pretokenizers/1/use_regex", "true", "*a pre-tokenizer other than Llama 3's*" },
        { "model/merges", "[\"Ġ zzz\"]", "*tokenizer.json is damaged: merge 0 of 'Ġ' and 'zzz'*" },
        { "model/merges", "[\"Ġ\"]", "*tokenizer.json is damaged: 'Ġ' is no merge*" },
        { "model/vocab", "{\"a\": 0}", "*tokenizer.json is damaged: the byte 0 is no piece*" },
        { "model/vocab", "{\"a\": 1}", "*tokenizer.json is damaged: the piece 'a' has the id 1*" },
        { "model/vocab", "{\"中\": 0}", "*tokenizer.json is damaged: the piece '中' is not written in the alphabet of bytes*" },
        { "model", "{}", "*tokenizer.json cannot be read*" },
        { "model", "3", "*tokenizer.json cannot be read*" },
        { "added_tokens", "[{\"id\": 3, \"content\": \"<s>\"}]", "*gives the token '<s>' the id 3*" },
    };

    [Theory]
    [MemberData(nameof(Unsupported))]
    public void Load_AnotherTokenizerJson_SaysWhatIsNotSupported(string path, string value, string message)
    {
        JsonNode json = Llama3Fixture.TokenizerJson();
        var steps = path.Split('/');
        foreach (var step in steps[..^1]) json = int.TryParse(step, out var index) ? json[index]! : json[step]!;
        json[steps[^1]] = JsonNode.Parse(value);
        var load = () => Load((JsonObject)json.Root);
        load.Should().Throw<AlpacaException>().WithMessage(message);
    }

    private ModelTokenizer Load(JsonObject json)
    {
        _folder.Write("tokenizer.json", json.ToJsonString());
        return ModelTokenizer.Load(_folder.Path);
    }
}
