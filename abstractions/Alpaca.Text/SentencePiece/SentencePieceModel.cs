using System.Buffers.Binary;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>A SentencePiece model file (<c>tokenizer.model</c>): its pieces and the settings that decide how text becomes pieces.</summary>
/// <remarks>
/// The format is SentencePiece's <c>ModelProto</c>. Everything read is kept as it was in the file, fields this class does not know included, so a model is written
/// back byte for byte, and one with appended pieces differs by those pieces alone. Instances are immutable.
/// </remarks>
public sealed class SentencePieceModel
{
    /// <summary>Larger files are not looked into: the largest vocabularies in use take five megabytes, and a model up to 32 bytes in memory for each in the file.</summary>
    internal const long MaxFileLength = 32 << 20;

    private const int PiecesField = 1, TrainerSpecField = 2, NormalizerSpecField = 3, DenormalizerSpecField = 5;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _piecesBytes;
    private readonly byte[] _otherBytes;

    private SentencePieceModel(
        string name, IReadOnlyList<SentencePiece> pieces, SentencePieceTrainerSettings trainer, SentencePieceNormalizerSettings normalizer,
        bool hasDenormalizer, byte[] piecesBytes, byte[] otherBytes)
    {
        Name = name;
        Pieces = pieces;
        Trainer = trainer;
        Normalizer = normalizer;
        HasDenormalizer = hasDenormalizer;
        _piecesBytes = piecesBytes;
        _otherBytes = otherBytes;
    }

    /// <summary>The file it was read from, for messages.</summary>
    public string Name { get; }

    /// <summary>The vocabulary; a piece's id is its index.</summary>
    public IReadOnlyList<SentencePiece> Pieces { get; }

    /// <summary>How the model was trained, as far as encoding and decoding need it.</summary>
    public SentencePieceTrainerSettings Trainer { get; }

    /// <summary>How text is normalised before it is split.</summary>
    public SentencePieceNormalizerSettings Normalizer { get; }

    /// <summary>Whether decoded text is mapped back by a character map of its own; LLaMA's is not.</summary>
    public bool HasDenormalizer { get; }

    /// <summary>Reads a model file.</summary>
    /// <param name="file">Path of a <c>.model</c> file.</param>
    /// <exception cref="AlpacaException">The file is missing, unreadable, damaged, or no SentencePiece model.</exception>
    public static SentencePieceModel Load(string file)
    {
        ArgumentException.ThrowIfNullOrEmpty(file);
        if (Directory.Exists(file)) throw new AlpacaException($"{file} is a folder; name a SentencePiece model file, usually called tokenizer.model.");
        try
        {
            var length = new FileInfo(file).Length;
            if (length > MaxFileLength)
                throw new AlpacaException($"{file} is {length >> 20} MB long and so no SentencePiece model; name the tokenizer.model file.");
            return Parse(File.ReadAllBytes(file), file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new AlpacaException($"{file} does not exist; name a SentencePiece model file, usually called tokenizer.model.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{file} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Reads a model from memory.</summary>
    /// <param name="data">The bytes of a model file.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="AlpacaException">The bytes are damaged or no SentencePiece model.</exception>
    public static SentencePieceModel Parse(byte[] data, string name)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(name);
        try
        {
            return ParseCore(data, name);
        }
        catch (Exception e) when (e is InvalidDataException or DecoderFallbackException)
        {
            throw new AlpacaException($"{name} is not a SentencePiece model or is damaged ({e.Message}); name a file such as LLaMA's tokenizer.model, or get it again.", e);
        }
    }

    /// <summary>The same model with pieces appended after the last one. Nothing else changes, the trainer's vocabulary size included.</summary>
    /// <param name="pieces">Pieces to append, in order. Scores are written even when 0; the type is written unless it is <see cref="SentencePieceType.Normal"/>.</param>
    public SentencePieceModel Append(IReadOnlyCollection<SentencePiece> pieces)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        using var added = new MemoryStream();
        foreach (var piece in pieces) WritePiece(added, piece);
        return new SentencePieceModel(Name, [.. Pieces, .. pieces], Trainer, Normalizer, HasDenormalizer, [.. _piecesBytes, .. added.ToArray()], _otherBytes);
    }

    /// <summary>The bytes of the model file.</summary>
    public byte[] ToByteArray() => [.. _piecesBytes, .. _otherBytes];

    /// <summary>Writes the model file.</summary>
    /// <param name="file">Path; replaced if it exists.</param>
    public void Save(string file)
    {
        using var stream = File.Create(file);
        stream.Write(_piecesBytes);
        stream.Write(_otherBytes);
    }

    private static SentencePieceModel ParseCore(byte[] data, string name)
    {
        var pieces = new List<SentencePiece>();
        var trainer = new SentencePieceTrainerSettings();
        var normalizer = new SentencePieceNormalizerSettings();
        var hasDenormalizer = false;
        using var pieceBytes = new MemoryStream(data.Length);
        using var otherBytes = new MemoryStream();

        var reader = new WireReader(data);
        for (var start = 0; reader.ReadField(); start = reader.Position)
        {
            switch (reader.Field)
            {
                case PiecesField: pieces.Add(ReadPiece(reader.ExpectBytes(), pieces.Count)); break;
                case TrainerSpecField: trainer = ReadTrainer(reader.ExpectBytes(), trainer); break;
                case NormalizerSpecField: normalizer = ReadNormalizer(reader.ExpectBytes(), normalizer); break;
                case DenormalizerSpecField: hasDenormalizer |= ReadNormalizer(reader.ExpectBytes(), new()).CharsMapLength > 0; break;
                default: break;
            }
            (reader.Field == PiecesField ? pieceBytes : otherBytes).Write(data, start, reader.Position - start);
        }
        if (pieces.Count == 0) throw new InvalidDataException("it holds no pieces");
        return new SentencePieceModel(name, pieces, trainer, normalizer, hasDenormalizer, pieceBytes.ToArray(), otherBytes.ToArray());
    }

    private static SentencePiece ReadPiece(ReadOnlySpan<byte> message, int id)
    {
        var (text, score, type) = ("", 0f, SentencePieceType.Normal);
        var reader = new WireReader(message);
        while (reader.ReadField())
        {
            switch (reader.Field)
            {
                case 1: text = StrictUtf8.GetString(reader.ExpectBytes()); break;
                case 2: score = reader.ExpectFloat(); break;
                case 3: type = (SentencePieceType)reader.ExpectVarint(); break;
                default: break;
            }
        }
        if (text.Length == 0) throw new InvalidDataException($"piece {id} is empty");
        if (!float.IsFinite(score)) throw new InvalidDataException($"the score of piece {id} is not a finite number");
        if (!Enum.IsDefined(type)) throw new InvalidDataException($"piece {id} has the unknown type {(int)type}");
        return new SentencePiece(text, score, type);
    }

    private static SentencePieceTrainerSettings ReadTrainer(ReadOnlySpan<byte> message, SentencePieceTrainerSettings settings)
    {
        var reader = new WireReader(message);
        while (reader.ReadField())
        {
            settings = reader.Field switch
            {
                3 => settings with { ModelType = (SentencePieceModelType)reader.ExpectVarint() },
                24 => settings with { TreatWhitespaceAsSuffix = reader.ExpectVarint() != 0 },
                35 => settings with { ByteFallback = reader.ExpectVarint() != 0 },
                44 => settings with { UnkSurface = StrictUtf8.GetString(reader.ExpectBytes()) },
                46 => settings with { BosPiece = StrictUtf8.GetString(reader.ExpectBytes()) },
                47 => settings with { EosPiece = StrictUtf8.GetString(reader.ExpectBytes()) },
                48 => settings with { PadPiece = StrictUtf8.GetString(reader.ExpectBytes()) },
                _ => settings,
            };
        }
        return settings;
    }

    private static SentencePieceNormalizerSettings ReadNormalizer(ReadOnlySpan<byte> message, SentencePieceNormalizerSettings settings)
    {
        var reader = new WireReader(message);
        while (reader.ReadField())
        {
            settings = reader.Field switch
            {
                1 => settings with { Name = StrictUtf8.GetString(reader.ExpectBytes()) },
                2 => settings with { CharsMap = reader.ExpectBytes().ToArray() },
                3 => settings with { AddDummyPrefix = reader.ExpectVarint() != 0 },
                4 => settings with { RemoveExtraWhitespaces = reader.ExpectVarint() != 0 },
                5 => settings with { EscapeWhitespaces = reader.ExpectVarint() != 0 },
                _ => settings,
            };
        }
        return settings;
    }

    /// <summary>Writes <c>pieces { piece: ... score: ... }</c> the way the protobuf library does.</summary>
    private static void WritePiece(Stream output, SentencePiece piece)
    {
        var text = StrictUtf8.GetBytes(piece.Text);
        using var message = new MemoryStream();
        message.WriteByte(0x0A);
        WriteVarint(message, text.Length);
        message.Write(text);
        // An explicit 0 is on the wire too: the field has presence, and the published merged model's digest depends on it.
        message.WriteByte(0x15);
        Span<byte> score = stackalloc byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(score, piece.Score);
        message.Write(score);
        if (piece.Type != SentencePieceType.Normal)
        {
            message.WriteByte(0x18);
            WriteVarint(message, (int)piece.Type);
        }
        output.WriteByte(PiecesField << 3 | (int)WireType.LengthDelimited);
        WriteVarint(output, (int)message.Length);
        message.WriteTo(output);
    }

    private static void WriteVarint(Stream output, int value)
    {
        for (var rest = (uint)value; ; rest >>= 7)
        {
            if (rest < 0x80)
            {
                output.WriteByte((byte)rest);
                return;
            }
            output.WriteByte((byte)(rest | 0x80));
        }
    }
}
