using System.Net;

namespace Alpaca.Download;

/// <summary>What the hub's refusals mean.</summary>
internal static class HubRefusal
{
    /// <summary>What is the matter and what to do about it.</summary>
    /// <param name="response">The refusal.</param>
    /// <param name="access">The hub.</param>
    /// <param name="name">The repository.</param>
    /// <param name="revision">The revision that was asked for.</param>
    public static string Explain(HttpResponseMessage response, HubAccess access, string name, string revision)
    {
        if (!PublicAddress.SameOrigin(response.RequestMessage!.RequestUri!, access.Endpoint))
            return $"That is the answer of {PublicAddress.Of(response.RequestMessage.RequestUri!).Split('/')[2]}, where the hub keeps the file; run again, finished parts are kept.";

        var page = $"{PublicAddress.Of(access.Endpoint)}{name}";
        var code = response.Headers.TryGetValues("X-Error-Code", out var codes) ? codes.FirstOrDefault() : null;
        var (unauthorized, forbidden, missing) = (response.StatusCode == HttpStatusCode.Unauthorized, response.StatusCode == HttpStatusCode.Forbidden, response.StatusCode == HttpStatusCode.NotFound);
        return code switch
        {
            "GatedRepo" when access.HasToken => $"{name} is gated, and the account of the token has no access yet: accept the licence at {page} with that account, then run again.",
            "GatedRepo" => $"{name} is gated: accept its licence at {page}, set HF_TOKEN to a token of that account, then run again.",
            "RevisionNotFound" => $"{name} has no revision '{revision}'; check --revision.",
            _ when unauthorized && access.HasToken => $"The hub does not accept the token, or {name} is not there; set HF_TOKEN to a valid token that may read it, and check the name.",
            _ when unauthorized => $"{name} is not there, or is private or gated; check the name, and set HF_TOKEN to a token that may read it.",
            _ when forbidden && access.HasToken => $"The token may not read {name}: accept its licence at {page} if it has one, or give the token permission to read it.",
            _ when forbidden => $"{name} may not be read without a token: accept its licence at {page} if it has one, and set HF_TOKEN.",
            _ when missing => $"There is no {name} with revision '{revision}', or it is private; check the name and --revision{(access.HasToken ? "" : ", or set HF_TOKEN to a token that may read it")}.",
            _ => "Try again later; finished parts are kept.",
        };
    }
}
