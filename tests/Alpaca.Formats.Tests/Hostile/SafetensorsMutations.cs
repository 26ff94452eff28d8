using System.Text;

namespace Alpaca.Formats.Tests.Hostile;

/// <summary>Damaged safetensors files: as bytes, and with a header that lies.</summary>
internal static class SafetensorsMutations
{
    private static readonly string[] Names =
        ["a", "b", "c", "", "__metadata__", "../../etc/passwd", "C:\\x", "\\u0000", "\\ud800", "\\udc00\\ud800", "\\u001b[2J", "名前", "a.lora_A.weight", "dtype"];

    private static readonly string[] Sizes =
    [
        "0", "1", "2", "3", "4", "6", "8", "12", "24", "-1", "-2", "64", "2147483648", "4294967296", "4611686018427387904", "9223372036854775807", "9223372036854775808",
        "1e2", "2.0", "1.5", "-0", "null", "\"2\"", "[]", "[2]", "{}",
    ];

    private static readonly string[] DTypes = ["F16", "BF16", "F32", "F64", "I8", "U8", "I16", "I32", "I64", "BOOL", "F8_E4M3", "f32", "", "\\ud800"];

    private static readonly byte[][] Files = [Written(), File(Sound, 32), File("{}", 0)];

    private const string Sound =
        """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"c":{"dtype":"U8","shape":[0,7],"data_offsets":[24,24]}}""";

    public static byte[] Bytes(Random random) => Mutation.Of(Files[random.Next(Files.Length)], Files[random.Next(Files.Length)], random);

    /// <summary>A header of entries that are mostly sound, and data of some length.</summary>
    public static byte[] Headers(Random random)
    {
        var header = new StringBuilder("{");
        var (position, count) = (0, random.Next(6));
        for (var i = 0; i < count; i++)
        {
            var (rows, columns) = (random.Next(4), random.Next(4));
            header.Append(i == 0 ? "" : ",").Append('"').Append(Pick(Names, ((char)('d' + i)).ToString(), random)).Append("\":");
            header.Append("{\"dtype\":\"").Append(Pick(DTypes, "F16", random)).Append("\",\"shape\":[").Append(Pick(Sizes, $"{rows}", random)).Append(',').Append(Pick(Sizes, $"{columns}", random));
            header.Append("],\"data_offsets\":[").Append(Pick(Sizes, $"{position}", random)).Append(',').Append(Pick(Sizes, $"{position += rows * columns * 2}", random)).Append(']');
            header.Append(random.Next(12) == 0 ? ",\"shape\":[1]" : "").Append(random.Next(12) == 0 ? ",\"x\":{\"y\":[1,{}]}" : "").Append('}');
        }

        return File(header.Append('}').ToString(), random.Next(8) == 0 ? random.Next(64) : position);
    }

    public static byte[] File(string header, int dataLength) => File(Encoding.UTF8.GetBytes(header), dataLength);

    public static byte[] File(byte[] header, int dataLength) => [.. BitConverter.GetBytes((long)header.Length), .. header, .. Enumerable.Range(0, dataLength).Select(i => (byte)i)];

    private static string Pick(string[] odd, string sound, Random random) => random.Next(12) == 0 ? odd[random.Next(odd.Length)] : sound;

    private static byte[] Written()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Combine("written.safetensors");
        TensorInfo[] tensors = [new("a.weight", DType.BFloat16, [3, 5]), new("b", DType.Int64, []), new("c", DType.Float32, [0, 2]), new("d", DType.Bool, [9])];
        using (var writer = new SafetensorsWriter(path, tensors))
        {
            foreach (var tensor in tensors)
            {
                writer.Write(tensor.Name, 0, new byte[tensor.ByteLength]);
            }

            writer.Complete();
        }

        return System.IO.File.ReadAllBytes(path);
    }
}
