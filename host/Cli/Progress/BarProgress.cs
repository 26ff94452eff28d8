using System.Diagnostics;
using System.Runtime.CompilerServices;
using Alpaca.Abstractions;
using Spectre.Console;
using Spectre.Console.Rendering;
using SpectreText = Spectre.Console.Text;

namespace Alpaca.Host;

/// <summary>Progress as bars that move, for a person at a terminal.</summary>
internal sealed class BarProgress : IStageProgress
{
    private readonly ProgressContext _bars;

    private BarProgress(ProgressContext bars) => _bars = bars;

    /// <summary>Shows bars while something runs, and removes them when it has ended.</summary>
    public static Task<T> ShowAsync<T>(IAnsiConsole console, Func<IStageProgress, Task<T>> run) => console.Progress()
        .AutoClear(true)
        .HideCompleted(true)
        .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new FiguresColumn())
        .StartAsync(bars => run(new BarProgress(bars)));

    /// <inheritdoc />
    public IProgressTask Start(string description, double? total, ProgressUnit unit) => new Bar(_bars, description, total, unit);

    private sealed class Bar : IProgressTask
    {
        private readonly ProgressTask _task;
        private readonly BarState _state;

        public Bar(ProgressContext bars, string description, double? total, ProgressUnit unit)
        {
            _state = new BarState(unit) { HasTotal = total is > 0 };
            _task = bars.AddTask(Markup.Escape(description), autoStart: true, maxValue: total is > 0 ? total.Value : double.MaxValue);
            _task.IsIndeterminate = !_state.HasTotal;
            FiguresColumn.States.AddOrUpdate(_task, _state);
        }

        public void Report(double done)
        {
            _state.GoneOnFrom ??= Stopwatch.GetElapsedTime(_state.Started) < ProgressFigures.AtOnce ? done : 0;
            _task.Value = done;
        }

        public void SetTotal(double total)
        {
            if (total <= 0) return;
            _state.HasTotal = true;
            _task.MaxValue = total;
            _task.IsIndeterminate = false;
        }

        public void SetStatus(string status) => _state.Status = status;

        public void Dispose()
        {
            _task.MaxValue = Math.Max(_task.Value, double.Epsilon);
            _task.Value = _task.MaxValue; // Completed bars are hidden.
            _task.StopTask();
        }
    }

    /// <summary>What a bar shows besides Spectre's own figures.</summary>
    private sealed class BarState(ProgressUnit unit)
    {
        public ProgressUnit Unit { get; } = unit;

        public long Started { get; } = Stopwatch.GetTimestamp();

        public bool HasTotal { get; set; }

        public double? GoneOnFrom { get; set; }

        public string Status { get; set; } = "";
    }

    /// <summary>Amount, rate, time left and status in one column, in the words that the lines have.</summary>
    private sealed class FiguresColumn : ProgressColumn
    {
        public static ConditionalWeakTable<ProgressTask, BarState> States { get; } = [];

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
        {
            if (!States.TryGetValue(task, out var state)) return SpectreText.Empty;
            var figures = new ProgressFigures(task.Value, state.HasTotal ? task.MaxValue : null, state.Unit, Stopwatch.GetElapsedTime(state.Started), state.GoneOnFrom ?? 0);
            return new SpectreText(state.Status.Length > 0 ? $"{figures}, {state.Status}" : figures.ToString()) { Overflow = Overflow.Ellipsis };
        }
    }
}
