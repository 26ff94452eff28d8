using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>Tokenised data as a file, in this machine's byte order, with its SHA-256 at the end.</summary>
/// <remarks>
/// A header, the lines said about the data, the names of its files, and each sample: place, ids, and the lengths of the stretches that are read and learned by turns. A label is the id at its
/// place or <see cref="SupervisedEncoder.IgnoreIndex"/>, so the stretches say all labels.
/// </remarks>
internal static class EncodedDataFile
{
    private const int BufferSize = 1 << 20;

    // Raised when the meaning of the bytes changes.
    private static ReadOnlySpan<byte> Header => "alpaca tokens 1\n"u8;

    /// <summary>Writes data, through to the disk.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, EncodedData data)
    {
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferSize);
        using var sha = SHA256.Create();
        using (var hashed = new CryptoStream(file, sha, CryptoStreamMode.Write, leaveOpen: true))
        using (var buffered = new BufferedStream(hashed, BufferSize))
        using (var writer = new BinaryWriter(buffered))
        {
            writer.Write(Header);
            WriteLines(data.Lint.Summary);
            WriteLines(data.Lint.Warnings);
            var files = data.Samples.Select(sample => sample.Place.File).Distinct().Index().ToDictionary(file => file.Item, file => file.Index);
            WriteLines(files.Keys);
            writer.Write(data.Samples.Count);
            foreach (var sample in data.Samples) WriteSample(sample, files[sample.Place.File]);

            void WriteLines(IReadOnlyCollection<string> lines)
            {
                writer.Write(lines.Count);
                foreach (var line in lines) writer.Write(line);
            }

            void WriteSample(SupervisedExample sample, int fileIndex)
            {
                writer.Write(fileIndex);
                writer.Write(sample.Place.Number);
                writer.Write(sample.Place.IsLine);
                writer.Write(sample.InputIds.Length);
                writer.Write(MemoryMarshal.AsBytes(sample.InputIds.AsSpan()));
                for (var (start, isLearned) = (0, false); start < sample.Labels.Length; isLearned = !isLearned)
                {
                    var length = 0;
                    while (start + length < sample.Labels.Length && sample.Labels[start + length] != SupervisedEncoder.IgnoreIndex == isLearned) length++;
                    writer.Write7BitEncodedInt(length);
                    start += length;
                }
            }
        }

        file.Write(sha.Hash!);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Reads data, its digest first.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static EncodedData Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferSize, FileOptions.SequentialScan);
        CheckDigest(file);
        file.Position = 0;
        using var reader = new BinaryReader(file);
        if (!reader.ReadBytes(Header.Length).AsSpan().SequenceEqual(Header)) throw new InvalidDataException("it is no tokenised data of this version");
        var (summary, warnings, files) = (ReadLines(), ReadLines(), ReadLines());
        var samples = new SupervisedExample[reader.ReadInt32()];
        for (var i = 0; i < samples.Length; i++) samples[i] = ReadSample();
        return new EncodedData(samples, new DataFindings(summary, warnings));

        string[] ReadLines()
        {
            var lines = new string[reader.ReadInt32()];
            for (var i = 0; i < lines.Length; i++) lines[i] = reader.ReadString();
            return lines;
        }

        SupervisedExample ReadSample()
        {
            var place = new RowPlace(files[reader.ReadInt32()], reader.ReadInt32(), reader.ReadBoolean());
            var ids = new int[reader.ReadInt32()];
            reader.ReadExactly(MemoryMarshal.AsBytes(ids.AsSpan()));
            var labels = (int[])ids.Clone();
            for (var (start, isLearned) = (0, false); start < labels.Length; isLearned = !isLearned)
            {
                var length = reader.Read7BitEncodedInt();
                if (!isLearned) labels.AsSpan(start, length).Fill(SupervisedEncoder.IgnoreIndex);
                else if (length == labels.Length) labels = ids;
                start += length;
            }

            return new SupervisedExample(ids, labels) { Place = place };
        }
    }

    private static void CheckDigest(FileStream file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var left = file.Length - SHA256.HashSizeInBytes;
        if (left < Header.Length) throw new InvalidDataException("it is cut off");
        var buffer = new byte[BufferSize];
        while (left > 0)
        {
            var count = file.Read(buffer, 0, (int)Math.Min(buffer.Length, left));
            if (count == 0) throw new InvalidDataException("it is cut off");
            hash.AppendData(buffer, 0, count);
            left -= count;
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        file.ReadExactly(digest);
        if (!digest.SequenceEqual(hash.GetHashAndReset())) throw new InvalidDataException("its digest is not that of its content");
    }
}
