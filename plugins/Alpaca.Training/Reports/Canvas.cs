using System.Buffers.Binary;
using System.IO.Compression;

namespace Alpaca.Training;

/// <summary>A colour.</summary>
/// <param name="Red">0 to 255.</param>
/// <param name="Green">0 to 255.</param>
/// <param name="Blue">0 to 255.</param>
internal readonly record struct Colour(byte Red, byte Green, byte Blue);

/// <summary>A picture to draw smooth lines and plain text on, and to write as PNG.</summary>
/// <remarks>Managed code with a font of its own: it needs no native library and no fonts on the machine, and keeps no plugin from unloading.</remarks>
internal sealed class Canvas
{
    private readonly byte[] _pixels; // [Height, Width, 3]

    /// <summary>Makes a white picture.</summary>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    public Canvas(int width, int height)
    {
        (Width, Height) = (width, height);
        _pixels = new byte[width * height * 3];
        Array.Fill(_pixels, byte.MaxValue);
    }

    /// <summary>In pixels.</summary>
    public int Width { get; }

    /// <summary>In pixels.</summary>
    public int Height { get; }

    /// <summary>Draws a straight line with round ends; a line without length is a dot.</summary>
    public void Line(double x0, double y0, double x1, double y1, double thickness, Colour colour)
    {
        var reach = thickness / 2 + 1;
        var (dx, dy) = (x1 - x0, y1 - y0);
        var squared = dx * dx + dy * dy;
        for (var y = (int)Math.Max(0, Math.Floor(Math.Min(y0, y1) - reach)); y <= Math.Min(Height - 1, Math.Max(y0, y1) + reach); y++)
        {
            for (var x = (int)Math.Max(0, Math.Floor(Math.Min(x0, x1) - reach)); x <= Math.Min(Width - 1, Math.Max(x0, x1) + reach); x++)
            {
                var along = squared > 0 ? Math.Clamp(((x - x0) * dx + (y - y0) * dy) / squared, 0, 1) : 0;
                var distance = double.Hypot(x - x0 - along * dx, y - y0 - along * dy);
                Blend(x, y, colour, Math.Clamp(thickness / 2 + 0.5 - distance, 0, 1));
            }
        }
    }

    /// <summary>Writes a line of text.</summary>
    /// <param name="x">The left end.</param>
    /// <param name="y">The upper end.</param>
    /// <param name="text">What <see cref="PixelFont"/> has glyphs for.</param>
    /// <param name="colour">Its colour.</param>
    /// <param name="scale">The size of a dot of the font in pixels.</param>
    public void Text(int x, int y, string text, Colour colour, int scale = 2)
    {
        foreach (var character in text)
        {
            for (var column = 0; column < PixelFont.Width; column++)
            {
                var dots = PixelFont.Column(character, column);
                for (var row = 0; row < 8; row++)
                {
                    if ((dots >> row & 1) == 0) continue;
                    for (var i = 0; i < scale * scale; i++) Blend(x + column * scale + i % scale, y + row * scale + i / scale, colour, 1);
                }
            }

            x += PixelFont.Advance * scale;
        }
    }

    /// <summary>The width of a text in pixels.</summary>
    public static int WidthOf(string text, int scale = 2) => text.Length * PixelFont.Advance * scale - scale;

    /// <summary>Writes the picture.</summary>
    public void SavePng(string path)
    {
        using var file = File.Create(path);
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1a, (byte)'\n']);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, Width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), Height);
        (header[8], header[9]) = (8, 2); // bits a channel; RGB
        WriteChunk(file, "IHDR"u8, header);
        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            for (var y = 0; y < Height; y++)
            {
                zlib.WriteByte(0); // no filter
                zlib.Write(_pixels, y * Width * 3, Width * 3);
            }
        }

        WriteChunk(file, "IDAT"u8, data.ToArray());
        WriteChunk(file, "IEND"u8, []);
    }

    private void Blend(int x, int y, Colour colour, double coverage)
    {
        if (coverage <= 0 || (uint)x >= (uint)Width || (uint)y >= (uint)Height) return;
        var pixel = _pixels.AsSpan((y * Width + x) * 3, 3);
        pixel[0] = Mix(pixel[0], colour.Red);
        pixel[1] = Mix(pixel[1], colour.Green);
        pixel[2] = Mix(pixel[2], colour.Blue);

        byte Mix(byte below, byte above) => (byte)Math.Round(below + (above - below) * coverage);
    }

    private static void WriteChunk(Stream stream, ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        stream.Write(number);
        stream.Write(type);
        stream.Write(content);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Crc32(Crc32(uint.MaxValue, type), content));
        stream.Write(number);
    }

    private static uint Crc32(uint crc, ReadOnlySpan<byte> data)
    {
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        }

        return crc;
    }
}
