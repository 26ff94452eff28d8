using System.Collections;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;

namespace Alpaca.Host;

/// <summary>Keys whose values nobody but the service may see. They come from the environment, a credential file, or a configuration file that is closed to other users.</summary>
internal static class SecretKeys
{
    /// <summary>The folder of a systemd service's credentials, each a file named like the part of an environment variable behind its prefix: <c>Serving__ApiKey</c>.</summary>
    public const string CredentialsVariable = "CREDENTIALS_DIRECTORY";

    /// <summary>What of a configuration may be handed on, to plugins and to the processes of stages.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Without(IConfiguration configuration) => configuration.AsEnumerable().Where(entry => !ConfigurationSchema.IsSecret(entry.Key.Split(':')));

    /// <summary>The names of environment variables that hold secrets, and of the one that leads to the credential files.</summary>
    public static IEnumerable<string> VariablesIn(IEnumerable variables) => variables.Cast<string>().Where(name
        => name == CredentialsVariable || (name.StartsWith(AlpacaSettings.EnvironmentPrefix, StringComparison.OrdinalIgnoreCase) && ConfigurationSchema.IsSecret(name[AlpacaSettings.EnvironmentPrefix.Length..].Split("__"))));

    /// <summary>Adds an error for each secret in a file that other users of the machine may read.</summary>
    public static void CheckFile(string file, JsonObject root, List<string> errors)
    {
        var found = ConfigurationSchema.CredentialsIn(root).ToList();
        if (found.Count == 0 || !OtherUsers.CanRead(file)) return;
        foreach (var key in found)
            errors.Add($"{key} is a secret, and every user of this machine may read it here; set {AlpacaSettings.EnvironmentPrefix}{key.Replace(":", "__", StringComparison.Ordinal)} or a credential file instead, or close this file with chmod o-r.");
    }
}
