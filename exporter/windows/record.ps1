#Requires -Version 3.0
<#
.SYNOPSIS
    Records what Network Load Balancing on this host prints, into one JSON file.
.DESCRIPTION
    For versions and languages of Windows whose texts sipnlb has not seen. Run it on a node, best
    once per state worth knowing (converged, peer down, converging, stopped, rule disabled), in an
    elevated PowerShell and once in one that is not. Then:

        sipnlb-exporter explain recording FILE

    It reads only: nlb and wlbs with query, queryport, params and ip2mac, the classes of
    root/MicrosoftNLB, the events of NLB, and what Windows this is. It stores the bytes that the
    programs print, not what a console makes of them. With -IncludeChanges, and after a question,
    it also enables, disables and drains the rule of -Port, twice each, to learn the answers:
    callers notice. It then leaves the rule as -EndWith says.

    Names and addresses are replaced before anything is written, each by the same stand-in
    throughout, of the same length so that columns stay where they are. Host priorities, ports,
    versions and times stay. Read the file before you give it away.

    The file, version 1 (assumed and owned by sipnlb):
        format       "sipnlb-recording"
        version      1
        simulated    false; true in recordings that are made from simulated output
        note         the text of -Note
        recorded     UTC
        host         windows, build, nlb_version, powershell, ui_culture, culture, code_page (OEM,
                     a number), elevated (true or false)
        captures     a list of program, arguments, exit_code, milliseconds, timed_out, error,
                     stdout and stderr (bytes in base64); program is nlb, wlbs or Get-SipNlb.ps1
        cim          a list of class, milliseconds, error, instances (properties by name)
        events       a list of time, id, level, provider, message
.PARAMETER Port
    A port of the rule that sipnlb is to switch.
.PARAMETER Vip
    The virtual address that the rule names; leave it out if the rule is for all.
.PARAMETER Note
    The state the host was in, in your words: "peer down".
.PARAMETER OutFile
    Where to write; default: recording-TIME.json in the current directory.
.PARAMETER IncludeChanges
    Also record the answers to enable, disable and drain. Asks first.
.PARAMETER EndWith
    With -IncludeChanges: enable or disable, what the rule is to be afterwards.
.NOTES
    This script has not run on Windows yet. It needs the full language mode.
#>
[CmdletBinding()]
param(
    [ValidateRange(0, 65535)] [int] $Port = 5060,
    [ValidatePattern('^([0-9A-Fa-f.:]{2,45})?$')] [string] $Vip = '',
    [string] $Note = '',
    [string] $OutFile = '',
    [switch] $IncludeChanges,
    [ValidateSet('', 'enable', 'disable')] [string] $EndWith = ''
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$programSeconds = 30
$mostEvents = 200
$bytesAsText = [System.Text.Encoding]::GetEncoding(28591)  # one character a byte, and back
$random = New-Object System.Random

# --- Stand-ins -----------------------------------------------------------------------------------

$octets = @{ 0 = 0; 255 = 255; 127 = 127 }
$names = New-Object System.Collections.Generic.List[string]

function ConvertTo-Octet([int] $Value) {
    # Another number of as many digits; the same for the same, and none for two.
    if (-not $octets.ContainsKey($Value)) {
        $from = @(1, 10, 100)[([string]$Value).Length - 1]
        $to = @(9, 99, 254)[([string]$Value).Length - 1]
        $free = @($from..$to | Where-Object { $octets.Values -notcontains $_ })
        $octets[$Value] = $free[$random.Next($free.Count)]
    }
    $octets[$Value]
}

function Hide-Address([string] $Text) {
    [regex]::Replace($Text, '(?<![\d.])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\d.])', {
        param($match)
        $parts = @(1..4 | ForEach-Object { [int]$match.Groups[$_].Value })
        $isMask = $parts[0] -eq 255 -or @($parts | Where-Object { $_ -gt 255 }).Count
        if ($isMask) { return $match.Value }
        ($parts | ForEach-Object { ConvertTo-Octet $_ }) -join '.'
    })
}

function Hide-Mac([string] $Text) {
    # NLB makes its own of the cluster's address: 02-bf, 03-bf and 01-00-5e-7f stand before it,
    # and 02, with the host's priority, before the address that a host sends from.
    [regex]::Replace($Text, '(?<![0-9A-Fa-f])([0-9A-Fa-f]{2})(?:([-:])[0-9A-Fa-f]{2}){5}(?![0-9A-Fa-f])', {
        param($match)
        $separator = $match.Groups[2].Value
        $bytes = $match.Value -split '[-:]'
        $kept = 3
        if ($match.Value -match '^0[23]') { $kept = 2 }
        if ($match.Value -match '^01.00.5e') { $kept = 4 }
        $shown = for ($index = 0; $index -lt 6; $index++) {
            if ($index -lt $kept) { $bytes[$index] }
            else {
                $hidden = '{0:x2}' -f (ConvertTo-Octet ([Convert]::ToInt32($bytes[$index], 16)))
                if ($bytes[$index] -cmatch '[A-F]') { $hidden.ToUpperInvariant() } else { $hidden }
            }
        }
        $shown -join $separator
    })
}

function Hide-Address6([string] $Text) {
    # Seldom, and of any length: one stand-in for all but loopback.
    [regex]::Replace($Text, '(?<![0-9A-Za-z:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:])', {
        param($match)
        if ($match.Value -match '^:+1?$') { return $match.Value }
        # A time of day, and a MAC address, which has its own stand-in.
        if ($match.Value -match '^\d{1,2}:\d{2}:\d{2}$') { return $match.Value }
        if ($match.Value -match '^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$') { return $match.Value }
        '2001:db8::1'
    })
}

function Add-Name([string] $Name) {
    # A full name, the host in it and its domain. Words that the programs themselves print stay.
    $kept = 'cluster', 'host', 'node', 'nlb', 'wlbs', 'all', 'default', 'local', 'port', 'rule', 'state'
    $parts = @($Name, $Name.Split('.')[0])
    $domain = $Name.Substring($Name.IndexOf('.') + 1)
    if ($domain.Contains('.')) { $parts += $domain }
    foreach ($each in $parts) {
        $known = @($names | Where-Object { $_ -ieq $each })
        if ($each.Length -gt 1 -and $each -notmatch '^[\d.]+$' -and $kept -notcontains $each -and -not $known) {
            $names.Add($each)
        }
    }
}

function Hide-Name([string] $Text) {
    $longestFirst = @($names | Sort-Object -Property @{ Expression = { $_.Length } } -Descending)
    foreach ($name in $longestFirst) {
        $standIn = ('N{0}' -f (1 + $names.IndexOf($name))).PadRight($name.Length, 'x')
        $standIn = $standIn.Substring(0, $name.Length)
        $pattern = '(?<![0-9A-Za-z])' + [regex]::Escape($name) + '(?![0-9A-Za-z])'
        $Text = [regex]::Replace($Text, $pattern, $standIn, 'IgnoreCase')
    }
    $Text
}

function Hide-All([string] $Text) {
    # The code is made of the password of NLB remote control.
    $code = '(RemoteControlCode\s*=\s*)([0-9A-Fa-f]+)'
    $Text = [regex]::Replace($Text, $code, { param($match) $match.Groups[1].Value + ('0' * $match.Groups[2].Length) })
    Hide-Address (Hide-Address6 (Hide-Mac (Hide-Name $Text)))
}

function Hide-Bytes([byte[]] $Bytes) {
    [Convert]::ToBase64String($bytesAsText.GetBytes((Hide-All $bytesAsText.GetString($Bytes))))
}

# --- Programs ------------------------------------------------------------------------------------

function Invoke-Capture([string] $Name, [string] $FileName, [string[]] $Arguments, [string] $Start) {
    # Start: what stands before the arguments on the real command line, and is not recorded.
    $capture = [ordered]@{
        program = $Name
        arguments = @($Arguments | ForEach-Object { Hide-All $_ })
        exit_code = $null
        milliseconds = 0
        timed_out = $false
        error = $null
        raw_out = [byte[]]@()
        raw_err = [byte[]]@()
    }
    $started = New-Object System.Diagnostics.ProcessStartInfo -ArgumentList @(
        $FileName, "$Start $($Arguments -join ' ')".Trim())
    $started.UseShellExecute = $false
    $started.CreateNoWindow = $true
    $started.RedirectStandardInput = $true
    $started.RedirectStandardOutput = $true
    $started.RedirectStandardError = $true
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    try {
        $process = [System.Diagnostics.Process]::Start($started)
        $process.StandardInput.Close()
        $out = New-Object System.IO.MemoryStream
        $err = New-Object System.IO.MemoryStream
        $copies = [System.Threading.Tasks.Task[]]@(
            $process.StandardOutput.BaseStream.CopyToAsync($out),
            $process.StandardError.BaseStream.CopyToAsync($err)
        )
        if ($process.WaitForExit(1000 * $programSeconds)) { $capture.exit_code = $process.ExitCode }
        else {
            $capture.timed_out = $true
            $process.Kill()
        }
        $capture.milliseconds = [int]$watch.ElapsedMilliseconds
        [void][System.Threading.Tasks.Task]::WaitAll($copies, 2000)
        $capture.raw_out = $out.ToArray()
        $capture.raw_err = $err.ToArray()
    }
    catch { $capture.error = $_.Exception.Message }
    $capture
}

function Complete-Capture($Capture) {
    # Names are known only when everything has been read, so all is replaced at the end.
    if ($Capture.error) { $Capture.error = Hide-All $Capture.error }
    $Capture['stdout'] = Hide-Bytes $Capture.raw_out
    $Capture['stderr'] = Hide-Bytes $Capture.raw_err
    $Capture.Remove('raw_out')
    $Capture.Remove('raw_err')
    [pscustomobject]$Capture
}

function Get-Program([string] $Name) {
    # A 32-bit process sees the real System32 as Sysnative.
    foreach ($folder in 'Sysnative', 'System32') {
        $file = Join-Path (Join-Path $env:SystemRoot $folder) "$Name.exe"
        if (Test-Path $file) { return $file }
    }
    Join-Path (Join-Path $env:SystemRoot 'System32') "$Name.exe"
}

function Get-PortSpec {
    if (-not $Vip) { return [string]$Port }
    if ($Vip.Contains(':')) { return "[$Vip]:$Port" }
    "${Vip}:$Port"
}

function Get-ReadCaptures {
    $spec = Get-PortSpec
    foreach ($name in 'nlb', 'wlbs') {
        $file = Get-Program $name
        Invoke-Capture $name $file @('query') ''
        Invoke-Capture $name $file @('queryport', "$Port") ''
        if ($Vip) { Invoke-Capture $name $file @('queryport', $spec) '' }
        Invoke-Capture $name $file @('queryport', '1') ''
        Invoke-Capture $name $file @('params') ''
    }
    $script = Join-Path $PSScriptRoot 'Get-SipNlb.ps1'
    if (Test-Path $script) {
        $shell = Join-Path $env:SystemRoot 'System32\WindowsPowerShell\v1.0\powershell.exe'
        $start = "-NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -File ""$script"""
        Invoke-Capture 'Get-SipNlb.ps1' $shell @() $start
    }
}

function Get-MacCaptures($Captures) {
    foreach ($address in @(Get-ClusterAddress $Captures)) {
        foreach ($name in 'nlb', 'wlbs') {
            Invoke-Capture $name (Get-Program $name) @('ip2mac', $address) ''
        }
    }
}

function Get-ClusterAddress($Captures) {
    foreach ($capture in $Captures) {
        $text = $bytesAsText.GetString($capture.raw_out)
        if ($text -match 'ClusterIPAddress\s*=\s*([0-9.]+)') { return $Matches[1] }
    }
}

function Get-ChangeCaptures {
    $spec = Get-PortSpec
    $file = Get-Program 'nlb'
    try {
        foreach ($action in 'enable', 'disable', 'drain') {
            foreach ($time in 1, 2) {
                Invoke-Capture 'nlb' $file @($action, $spec) ''
                Invoke-Capture 'nlb' $file @('queryport', $spec) ''
            }
        }
    }
    finally { Invoke-Capture 'nlb' $file @($EndWith, $spec) '' }  # also when it is broken off
    Invoke-Capture 'nlb' $file @('queryport', $spec) ''
    Invoke-Capture 'nlb' $file @('query') ''
}

# --- CIM, events, Windows --------------------------------------------------------------------------

function ConvertTo-Plain($Value) {
    if ($null -eq $Value -or $Value -is [bool] -or $Value -is [ValueType] -and $Value -isnot [datetime]) {
        return $Value
    }
    if ($Value -is [datetime]) { return $Value.ToUniversalTime().ToString('o') }
    if ($Value -is [array]) { return , @($Value | ForEach-Object { ConvertTo-Plain $_ }) }
    Hide-All ([string]$Value)
}

function Get-CimDump([string] $ClassName) {
    $dump = [ordered]@{ class = $ClassName; milliseconds = 0; error = $null; instances = @(); found = @() }
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    try {
        $dump.found = @(Get-CimInstance -Namespace 'root/MicrosoftNLB' -ClassName $ClassName -OperationTimeoutSec 30)
        $dump.milliseconds = [int]$watch.ElapsedMilliseconds
        foreach ($instance in $dump.found) {
            foreach ($property in 'ComputerName', 'Name', 'ClusterName') {
                $named = $instance.CimInstanceProperties[$property]
                if ($named -and $named.Value) { Add-Name ([string]$named.Value) }
            }
        }
    }
    catch { $dump.error = $_.Exception.Message }
    $dump
}

function Complete-CimDump($Dump) {
    if ($Dump.error) { $Dump.error = Hide-All $Dump.error }
    $Dump.instances = @($Dump.found | ForEach-Object {
        $plain = [ordered]@{}
        foreach ($property in $_.CimInstanceProperties) { $plain[$property.Name] = ConvertTo-Plain $property.Value }
        [pscustomobject]$plain
    })
    $Dump.Remove('found')
    [pscustomobject]$Dump
}

function Get-Events {
    $wanted = @{ LogName = 'System'; ProviderName = 'Microsoft-Windows-NLB' }
    foreach ($each in @(Get-WinEvent -FilterHashtable $wanted -MaxEvents $mostEvents -ErrorAction SilentlyContinue)) {
        [pscustomobject][ordered]@{
            time = $each.TimeCreated.ToUniversalTime().ToString('o')
            id = $each.Id
            level = $each.Level
            provider = $each.ProviderName
            message = Hide-All ([string]$each.Message)
        }
    }
}

function Get-CodePage {
    [int](Get-ItemProperty -Path 'HKLM:\SYSTEM\CurrentControlSet\Control\Nls\CodePage').OEMCP
}

function Get-Windows {
    $system = Get-CimInstance -ClassName Win32_OperatingSystem
    $file = Get-Program 'nlb'
    $me = [System.Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object System.Security.Principal.WindowsPrincipal -ArgumentList $me
    [pscustomobject][ordered]@{
        windows = $system.Caption
        build = $system.Version
        nlb_version = $(if (Test-Path $file) { (Get-Item $file).VersionInfo.FileVersion } else { $null })
        powershell = $PSVersionTable.PSVersion.ToString()
        ui_culture = (Get-UICulture).Name
        culture = (Get-Culture).Name
        code_page = Get-CodePage
        elevated = $principal.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)
    }
}

# --- Main ------------------------------------------------------------------------------------------

if ($IncludeChanges -and -not $EndWith) { throw 'with -IncludeChanges, say what the rule is to be afterwards: -EndWith enable or disable' }
if ($IncludeChanges) {
    $question = "The rule that holds port $Port is enabled, disabled and drained several times now. Callers notice. Then it is left: $EndWith."
    if (-not $PSCmdlet.ShouldContinue($question, 'Switch the port rule of this host?')) { return }
}

Add-Name $env:COMPUTERNAME
foreach ($each in $env:USERDOMAIN, $env:USERDNSDOMAIN, $env:USERNAME) { if ($each) { Add-Name $each } }
try { Add-Name ([System.Net.Dns]::GetHostEntry('').HostName) } catch { Write-Verbose 'no full name of this host' }

Write-Verbose 'asking nlb and wlbs'
$captures = @(Get-ReadCaptures)
$captures += @(Get-MacCaptures $captures)
if ($IncludeChanges) { $captures += @(Get-ChangeCaptures) }
foreach ($capture in $captures) {
    $text = $bytesAsText.GetString($capture.raw_out)
    foreach ($match in [regex]::Matches($text, '(?m)^(?:ClusterName|HostName)[ \t]*=[ \t]*(\S+)')) { Add-Name $match.Groups[1].Value }
    foreach ($match in [regex]::Matches($text, '(?m)^Host \d+ \(([^)\r\n]+)\)')) { Add-Name $match.Groups[1].Value }
}
Write-Verbose 'reading root/MicrosoftNLB and the events'
$cim = @('MicrosoftNLB_Node', 'MicrosoftNLB_Cluster', 'MicrosoftNLB_ClusterSetting', 'MicrosoftNLB_NodeSetting', 'MicrosoftNLB_PortRuleEx' |
    ForEach-Object { Get-CimDump $_ })
# The programs print names in the code page of the console, all others as they are.
$console = [System.Text.Encoding]::GetEncoding((Get-CodePage))
foreach ($name in @($names)) {
    Add-Name ($bytesAsText.GetString($console.GetBytes($name)))
    Add-Name ($console.GetString($bytesAsText.GetBytes($name)))
}
$recording = [ordered]@{
    format = 'sipnlb-recording'
    version = 1
    simulated = $false
    note = Hide-All $Note
    recorded = [datetime]::UtcNow.ToString('o')
    host = Get-Windows
    captures = @($captures | ForEach-Object { Complete-Capture $_ })
    cim = @($cim | ForEach-Object { Complete-CimDump $_ })
    events = @(Get-Events)
}
if (-not $OutFile) { $OutFile = Join-Path (Get-Location).Path ('recording-{0:yyyyMMddTHHmmss}.json' -f [datetime]::UtcNow) }
$json = ConvertTo-Json -InputObject ([pscustomobject]$recording) -Depth 8
[System.IO.File]::WriteAllText($OutFile, $json, (New-Object System.Text.UTF8Encoding -ArgumentList $false))
Write-Output "Written: $OutFile. Read it before you give it away; what it says to sipnlb: sipnlb-exporter explain recording FILE"
