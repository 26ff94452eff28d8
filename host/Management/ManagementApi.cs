using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary>What operators ask and order over HTTP, below <c>/api</c>: pipelines, runs, drops, plugins.</summary>
internal sealed class ManagementApi(AlpacaSettings settings, RunStore runs, RunQueue queue, WatchedPipelines watched, IPluginCatalog catalog)
{
    private const int DefaultLimit = 50, MostLimit = 1000;

    /// <summary><c>GET /api/pipelines</c></summary>
    public async Task PipelinesAsync(HttpContext context)
    {
        var found = new List<object>();
        foreach (var pipeline in settings.Pipelines)
        {
            var policy = watched.Policies[pipeline.Name];
            var schedule = watched.Schedules.Find(s => s.Pipeline == pipeline.Name);
            found.Add(new
            {
                pipeline.Name,
                Stages = pipeline.Stages.Select(stage => new { stage.Name, stage.Uses }),
                Schedule = schedule is null ? null : new { schedule.Cron, TimeZone = schedule.TimeZone.Id, Next = watched.NextOf(schedule) },
                policy.Overlap,
                policy.ExecutionGroup,
                IsBusy = await queue.IsBusyAsync(pipeline.Name, context.RequestAborted),
                NewSamples = watched.DropsOf(pipeline.Name) is { } drops ? NewSamples.Read(drops).Count : (int?)null,
                LastRun = runs.List(1, pipeline.Name).Select(run => new { run.Id, run.Outcome, run.StartedAt, run.FinishedAt }).FirstOrDefault(),
            });
        }

        await ManagementJson.WriteAsync(context, found);
    }

    /// <summary><c>GET /api/runs?pipeline=NAME&amp;limit=N</c></summary>
    public Task RunsAsync(HttpContext context)
    {
        var limit = DefaultLimit;
        if (context.Request.Query["limit"].ToString() is { Length: > 0 } text && !(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) && limit is >= 1 and <= MostLimit))
            throw new ApiException(StatusCodes.Status400BadRequest, $"limit is '{text}'; it must be a whole number from 1 to {MostLimit}.", ApiException.InvalidRequest, param: "limit");
        var pipeline = context.Request.Query["pipeline"].ToString() is { Length: > 0 } name ? Known(settings, name) : null;
        return ManagementJson.WriteAsync(context, runs.List(limit, pipeline));
    }

    /// <summary><c>GET /api/runs/ID</c></summary>
    public Task RunAsync(HttpContext context)
        => long.TryParse((string)context.Request.RouteValues["id"]!, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && runs.Find(id) is { } run
            ? ManagementJson.WriteAsync(context, run)
            : throw NotFound($"There is no run '{context.Request.RouteValues["id"]}'; GET /api/runs lists them.");

    /// <summary><c>POST /api/pipelines/NAME/runs</c>: queues a run.</summary>
    public async Task StartAsync(HttpContext context)
    {
        var pipeline = PipelineOf(context);
        var isNew = await queue.AddAsync(pipeline, RunTriggers.Manual, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        await ManagementJson.WriteAsync(context, new { Pipeline = pipeline, Queued = isNew, Message = isNew ? "The run is queued." : "A run that was asked for waits already." });
    }

    /// <summary><c>POST /api/pipelines/NAME/cancel</c>: stops the run that is under way, wherever it is.</summary>
    public async Task CancelAsync(HttpContext context)
    {
        var pipeline = PipelineOf(context);
        await queue.CancelAsync(pipeline, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        await ManagementJson.WriteAsync(context, new { Pipeline = pipeline });
    }

    /// <summary><c>GET /api/pipelines/NAME/drops</c></summary>
    public Task DropsAsync(HttpContext context)
    {
        var pipeline = PipelineOf(context);
        var drops = watched.DropsOf(pipeline) ?? throw NotFound($"Pipeline {pipeline} has no drop folder.");
        return ManagementJson.WriteAsync(context, new
        {
            drops.Path,
            NewSamples = NewSamples.Read(drops).Count,
            Waiting = FilesOf(drops.Path).Where(file => !DropNames.IsUnfinished(file.Name)).Select(file => DropNames.Printable(file.Name)),
            Accepted = FilesOf(drops.Accepted).Select(file => new { file.Name, file.Length }),
            Rejected = FilesOf(drops.Rejected).Where(file => !file.Name.EndsWith(DropReason.Ending, StringComparison.Ordinal)).Select(file => new { file.Name, file.Length, DropReason.TryRead(file.FullName)?.Reason }),
        });
    }

    /// <summary><c>GET /api/plugins</c></summary>
    public Task PluginsAsync(HttpContext context) => ManagementJson.WriteAsync(context, catalog.Plugins.Select(plugin => new { plugin.Name, plugin.Version, plugin.State, plugin.Reason }));

    private static IEnumerable<FileInfo> FilesOf(string folder)
        => Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFiles().Where(file => file.Exists).OrderByDescending(file => file.LastWriteTimeUtc).Take(MostLimit) : [];

    private static ApiException NotFound(string message) => new(StatusCodes.Status404NotFound, message, ApiException.InvalidRequest, code: "not_found");

    /// <summary>A pipeline that there is.</summary>
    /// <exception cref="ApiException">There is none of that name.</exception>
    public static string Known(AlpacaSettings settings, string name)
        => settings.Pipelines.Any(pipeline => pipeline.Name == name) ? name : throw NotFound($"There is no pipeline '{name}'; GET /api/pipelines lists them.");

    private string PipelineOf(HttpContext context) => Known(settings, (string)context.Request.RouteValues["name"]!);
}
