<#
.SYNOPSIS
Installs a published folder as the Windows service "Alpaca", or upgrades one. Run as administrator.
.DESCRIPTION
The program goes to -Prefix, which the service cannot change; configuration, workspace, dropped files and logs are below -Data, where nobody but administrators
and the service's own account (NT SERVICE\Alpaca) can look. An upgrade replaces the program and keeps everything below -Data. -WhatIf says what would be done.
.PARAMETER From
What `dotnet publish host -c Release -o FOLDER` has made; by default the folder that holds this script's folder.
.PARAMETER Prefix
Where the program goes; by default C:\Program Files\Alpaca.
.PARAMETER Data
Where everything else goes; by default C:\ProgramData\Alpaca.
.PARAMETER NoStart
Leaves the service stopped.
.EXAMPLE
.\install-windows.ps1 -From C:\publish
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [string] $From = (Split-Path -Parent $PSScriptRoot),
    [string] $Prefix,
    [string] $Data,
    [switch] $NoStart
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$name = 'Alpaca'
$account = "NT SERVICE\$name"
$system = '*S-1-5-18'
$administrators = '*S-1-5-32-544'

function Invoke-Program([string] $program, [string[]] $arguments) {
    if (-not $PSCmdlet.ShouldProcess("$program $($arguments -join ' ')", 'Run')) { return }
    & $program @arguments | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "$program $($arguments -join ' ') failed with exit code $LASTEXITCODE." }
}

# Everything is checked before anything is written.
if (-not $Prefix) { $Prefix = Join-Path $env:ProgramFiles $name }
if (-not $Data) { $Data = Join-Path $env:ProgramData $name }
$From = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($From)
$Prefix = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Prefix).TrimEnd('\', '/')
$Data = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Data).TrimEnd('\', '/')
foreach ($needed in 'alpaca.exe', 'plugins', 'samples', 'appsettings.json') {
    if (-not (Test-Path -LiteralPath (Join-Path $From $needed))) { throw "$From has no '$needed'; publish with ``dotnet publish host -c Release -o FOLDER`` and name that folder with -From." }
}
$separator = [IO.Path]::DirectorySeparatorChar
if ("$From$separator".StartsWith("$Prefix$separator", [StringComparison]::OrdinalIgnoreCase)) { throw "-From is $From, which lies where the program is to go ($Prefix); publish to another folder." }
if ((Test-Path -LiteralPath $Prefix) -and -not (Test-Path -LiteralPath (Join-Path $Prefix 'alpaca.exe')) -and (Get-ChildItem -LiteralPath $Prefix -Force)) {
    throw "$Prefix holds something else than Alpaca; empty it or choose another -Prefix."
}
if (-not $WhatIfPreference) {
    $principal = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
    if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) { throw 'Run it as administrator, or with -WhatIf.' }
}

# 1. The program: copied beside its place while the old one still runs.
$new = "$Prefix.new"
$old = "$Prefix.old"
if ((Test-Path -LiteralPath $old) -and -not (Test-Path -LiteralPath $Prefix)) { Move-Item -LiteralPath $old -Destination $Prefix } # an upgrade was cut short in between
foreach ($left in $new, $old) { if (Test-Path -LiteralPath $left) { Remove-Item -LiteralPath $left -Recurse -Force } }
Copy-Item -LiteralPath $From -Destination $new -Recurse
$service = $null
if (Get-Command Get-Service -ErrorAction SilentlyContinue) { $service = Get-Service -Name $name -ErrorAction SilentlyContinue }
if ($service -and $service.Status -ne 'Stopped') {
    if ($PSCmdlet.ShouldProcess($name, 'Stop the service')) {
        Stop-Service -Name $name
        $service.WaitForStatus('Stopped', [TimeSpan]::FromMinutes(3))
    }
}
if (Test-Path -LiteralPath $Prefix) { Move-Item -LiteralPath $Prefix -Destination $old }
if ($PSCmdlet.ShouldProcess($Prefix, 'Put the program in its place')) {
    Move-Item -LiteralPath $new -Destination $Prefix
    if (Test-Path -LiteralPath $old) { Remove-Item -LiteralPath $old -Recurse -Force }
}

# 2. The configuration, which is the administrator's from the first day on.
$config = Join-Path $Data 'appsettings.json'
$workspace = Join-Path $Data 'workspace'
$logs = Join-Path $Data 'logs'
$drops = Join-Path (Join-Path $Data 'drops') 'sample'
foreach ($folder in $Data, $workspace, $logs, $drops) {
    if (-not (Test-Path -LiteralPath $folder)) { New-Item -ItemType Directory -Path $folder -Force | Out-Null }
}
if (Test-Path -LiteralPath $config) { Write-Output "$config is kept; the new version's own is $(Join-Path $Prefix 'appsettings.json')." }
elseif ($PSCmdlet.ShouldProcess($config, 'Write the configuration')) {
    # The sample's paths are relative to its file: here they lead to where things are. JSON takes slashes, and so does Windows.
    $text = [IO.File]::ReadAllText((Join-Path $From 'appsettings.json'))
    $text = $text.Replace('"samples/', ('"' + $Prefix.Replace('\', '/') + '/samples/')).Replace('"workspace/drops/', ('"' + $Data.Replace('\', '/') + '/drops/'))
    $text = $text.Replace('"Logging": {', ('"Logging": {' + "`n    " + '"File": { "Path": "logs/alpaca.log" },'))
    [IO.File]::WriteAllText("$config.new", $text)
    Move-Item -LiteralPath "$config.new" -Destination $config
}

# 3. The service, under an account of its own that nobody logs in with; the account is there once the service is.
$command = "`"$(Join-Path $Prefix 'alpaca.exe')`" serve --config `"$config`" --workspace `"$workspace`""
if (-not $service) {
    if ($PSCmdlet.ShouldProcess($command, 'Make the service')) {
        New-Service -Name $name -DisplayName 'Alpaca: LLaMA retraining worker' -Description 'Retrains models by schedule and when data arrives, and serves them.' -StartupType Automatic -BinaryPathName $command | Out-Null
    }
}
elseif ($PSCmdlet.ShouldProcess($command, 'Set the service''s command')) {
    # Not by sc.exe, whose quotes differ between versions of PowerShell.
    Set-ItemProperty -LiteralPath "HKLM:\SYSTEM\CurrentControlSet\Services\$name" -Name ImagePath -Value $command
}
Invoke-Program 'sc.exe' @('config', $name, 'obj=', $account)
Invoke-Program 'sc.exe' @('sidtype', $name, 'unrestricted')
# A crash and an exit with an error: again after 5 s, 1 min, 5 min; a day without either and it counts from the start.
Invoke-Program 'sc.exe' @('failure', $name, 'reset=', '86400', 'actions=', 'restart/5000/restart/60000/restart/300000')
Invoke-Program 'sc.exe' @('failureflag', $name, '1')

# 4. Who may do what.
Invoke-Program 'icacls.exe' @($Prefix, '/grant:r', "${account}:(OI)(CI)RX", '/Q')
Invoke-Program 'icacls.exe' @($Data, '/inheritance:r', '/grant:r', "${system}:(OI)(CI)F", "${administrators}:(OI)(CI)F", "${account}:(OI)(CI)M", '/Q')
Invoke-Program 'icacls.exe' @($config, '/inheritance:r', '/grant:r', "${system}:F", "${administrators}:F", "${account}:R", '/Q')

if ($NoStart) { Write-Output "Installed. Look through $config, then: Start-Service $name" }
elseif ($PSCmdlet.ShouldProcess($name, 'Start the service')) { Start-Service -Name $name }
