<#
.SYNOPSIS
Removes the Windows service "Alpaca" and its program; the configuration and all data stay. Run as administrator.
.PARAMETER Prefix
Where the program is; by default C:\Program Files\Alpaca.
.EXAMPLE
.\uninstall-windows.ps1 -WhatIf
#>
[CmdletBinding(SupportsShouldProcess)]
param([string] $Prefix)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$name = 'Alpaca'
if (-not $Prefix) { $Prefix = Join-Path $env:ProgramFiles $name }
$Prefix = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Prefix).TrimEnd('\', '/')
$isThere = Test-Path -LiteralPath $Prefix
$service = $null
if (Get-Command Get-Service -ErrorAction SilentlyContinue) { $service = Get-Service -Name $name -ErrorAction SilentlyContinue }
if (-not $isThere -and -not $service) { throw "There is neither $Prefix nor a service $name; nothing is to be removed." }
if ($isThere) {
    foreach ($needed in 'alpaca.exe', 'plugins', 'appsettings.json') {
        if (-not (Test-Path -LiteralPath (Join-Path $Prefix $needed))) { throw "$Prefix has no '$needed' and may not be Alpaca; name its folder with -Prefix." }
    }
}
if (-not $WhatIfPreference) {
    $principal = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
    if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) { throw 'Run it as administrator, or with -WhatIf.' }
}

if ($service) {
    if ($service.Status -ne 'Stopped' -and $PSCmdlet.ShouldProcess($name, 'Stop the service')) {
        Stop-Service -Name $name
        $service.WaitForStatus('Stopped', [TimeSpan]::FromMinutes(3))
    }
    if ($PSCmdlet.ShouldProcess($name, 'Remove the service')) {
        # Remove-Service came with PowerShell 6.
        sc.exe delete $name | Out-Null
        if ($LASTEXITCODE -ne 0) { throw "sc.exe delete $name failed with exit code $LASTEXITCODE." }
    }
}
if ($isThere) { Remove-Item -LiteralPath $Prefix -Recurse -Force }
if (-not $WhatIfPreference) { Write-Output 'Removed. Configuration and data are still where they were (C:\ProgramData\Alpaca unless -Data said otherwise).' }
