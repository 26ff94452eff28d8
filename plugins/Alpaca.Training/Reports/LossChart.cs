using System.Globalization;

namespace Alpaca.Training;

/// <summary><c>loss.png</c>: the loss of the logged steps, raw and smoothed, that of the validations, and the learning rate below, over the steps.</summary>
internal sealed class LossChart
{
    /// <summary>The file's name.</summary>
    public const string FileName = "loss.png";

    private const double Smoothing = 0.9;

    private static readonly Colour Ink = new(40, 40, 40), Grid = new(225, 225, 225), Raw = new(174, 205, 232), Smoothed = new(31, 119, 180), Validation = new(230, 100, 10), Rate = new(44, 140, 60);

    private readonly Canvas _canvas = new(1200, 700);
    private readonly double _lastStep;

    private LossChart(double lastStep) => _lastStep = Math.Max(1, lastStep);

    /// <summary>Draws the figures of a log.</summary>
    /// <param name="path">The PNG file.</param>
    /// <param name="log">At least one step.</param>
    public static void Write(string path, TrainLog log)
    {
        var chart = new LossChart(log.Steps[^1].Step);
        chart.Draw(log);
        chart._canvas.SavePng(path);
    }

    private void Draw(TrainLog log)
    {
        var smoothed = Smooth(log.Steps);
        double[] losses = [.. smoothed, .. log.Validations.Select(v => v.Loss), .. log.Steps.Select(s => s.Loss)];
        var loss = new Panel(96, 70, 1170, 480, losses.Min(), losses.Max());
        var rate = new Panel(96, 530, 1170, 630, 0, log.Steps.Max(s => s.LearningRate));

        DrawAxes(loss, 6, value => value.ToString("0.###", CultureInfo.InvariantCulture), withSteps: false);
        DrawAxes(rate, 2, value => value == 0 ? "0" : value.ToString("0.#e+0", CultureInfo.InvariantCulture), withSteps: true);
        _canvas.Text(96, 18, "Loss", Ink, 3);
        _canvas.Text(96, 500, "Learning rate", Ink);
        _canvas.Text((1170 + 96 - Canvas.WidthOf("optimizer step")) / 2, 672, "optimizer step", Ink);

        DrawLine(loss, [.. log.Steps.Select(s => (s.Step, s.Loss))], 1.2, Raw);
        DrawLine(loss, [.. log.Steps.Zip(smoothed, (s, value) => (s.Step, value))], 2.6, Smoothed);
        (int Step, double Value)[] validations = [.. log.Validations.Select(v => (v.Step, v.Loss))];
        DrawLine(loss, validations, 2.2, Validation);
        foreach (var (step, value) in validations) Dot(loss, step, value);
        DrawLine(rate, [.. log.Steps.Select(s => (s.Step, s.LearningRate))], 2.2, Rate);

        var x = DrawLegend(300, "training", Raw, false);
        x = DrawLegend(x, "training, smoothed", Smoothed, false);
        if (validations.Length > 0) DrawLegend(x, "validation", Validation, true);
    }

    // An exponential moving average without the pull towards its start, as TensorBoard's.
    private static List<double> Smooth(IReadOnlyList<LoggedStep> steps)
    {
        var (sum, weight) = (0.0, 0.0);
        var smoothed = new List<double>(steps.Count);
        foreach (var step in steps)
        {
            sum = Smoothing * sum + (1 - Smoothing) * step.Loss;
            weight = Smoothing * weight + (1 - Smoothing);
            smoothed.Add(sum / weight);
        }

        return smoothed;
    }

    private void DrawAxes(Panel panel, int count, Func<double, string> format, bool withSteps)
    {
        foreach (var value in Ticks(panel.Low, panel.High, count))
        {
            var y = Math.Round(panel.Y(value));
            _canvas.Line(panel.Left, y, panel.Right, y, 1, Grid);
            var text = format(value);
            _canvas.Text(panel.Left - 10 - Canvas.WidthOf(text), (int)y - 7, text, Ink);
        }

        foreach (var value in Ticks(0, _lastStep, 10).Where(v => v == Math.Round(v)))
        {
            var x = Math.Round(X(panel, value));
            _canvas.Line(x, panel.Top, x, panel.Bottom, 1, Grid);
            var text = value.ToString("0", CultureInfo.InvariantCulture);
            if (withSteps) _canvas.Text((int)x - Canvas.WidthOf(text) / 2, panel.Bottom + 12, text, Ink);
        }

        _canvas.Line(panel.Left, panel.Top, panel.Left, panel.Bottom, 1.5, Ink);
        _canvas.Line(panel.Left, panel.Bottom, panel.Right, panel.Bottom, 1.5, Ink);
    }

    private void DrawLine(Panel panel, (int Step, double Value)[] points, double thickness, Colour colour)
    {
        if (points is [var only]) Dot(panel, only.Step, only.Value, colour);
        for (var i = 1; i < points.Length; i++)
            _canvas.Line(X(panel, points[i - 1].Step), panel.Y(points[i - 1].Value), X(panel, points[i].Step), panel.Y(points[i].Value), thickness, colour);
    }

    private void Dot(Panel panel, int step, double value, Colour? colour = null)
        => _canvas.Line(X(panel, step), panel.Y(value), X(panel, step), panel.Y(value), 7, colour ?? Validation);

    private int DrawLegend(int x, string text, Colour colour, bool withDot)
    {
        _canvas.Line(x, 33, x + 34, 33, 2.6, colour);
        if (withDot) _canvas.Line(x + 17, 33, x + 17, 33, 7, colour);
        _canvas.Text(x + 44, 26, text, Ink);
        return x + 44 + Canvas.WidthOf(text) + 36;
    }

    private double X(Panel panel, double step) => panel.Left + step / _lastStep * (panel.Right - panel.Left);

    // Multiples of 1, 2 or 5 times a power of ten.
    private static IEnumerable<double> Ticks(double low, double high, int count)
    {
        var raw = (high - low) / count;
        var power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        var distance = (raw / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 } * power;
        for (var i = Math.Ceiling(low / distance); i * distance <= high + distance * 1e-9; i++) yield return i == 0 ? 0 : i * distance; // no -0
    }

    private sealed record Panel
    {
        public Panel(int left, int top, int right, int bottom, double low, double high)
        {
            (Left, Top, Right, Bottom) = (left, top, right, bottom);
            // Values that differ by rounding alone are one value, of which there are no ticks in between.
            var margin = high - low > 1e-6 * Math.Abs(high) ? (high - low) * 0.05 : Math.Max(Math.Abs(high) * 0.1, 1e-6);
            Low = low == 0 ? 0 : low - margin;
            High = high + margin;
        }

        public int Left { get; }

        public int Top { get; }

        public int Right { get; }

        public int Bottom { get; }

        public double Low { get; }

        public double High { get; }

        public double Y(double value) => Bottom - (value - Low) / (High - Low) * (Bottom - Top);
    }
}
