#Requires -Version 3.0
<#
.SYNOPSIS
    Enables or disables one port rule of one NLB cluster on this host, and prints the result.
.DESCRIPTION
    The command of sipnlb's back end "cim". It calls EnableEx or DisableEx of this host's own
    MicrosoftNLB_Node and prints the method's number (ReturnValue) as one line of JSON; the form
    of the answer is told in cluster/nlb/cim.py. The number is for the record only: what counts
    is what Get-SipNlb.ps1 reads afterwards.

    It acts on nothing but the rule that it was told exactly. It refuses, and calls nothing, if
    this host has no cluster of that address, another host priority, or not exactly this rule,
    because a port switches the whole rule that holds it. It never starts or stops a node.

    It refuses a change whose number is lower than the last one this host has seen; the answer
    then tells why under "refused". See ActionNumber.ps1, which must stand beside this file.

    Rights: those that NLB asks of whoever switches a rule, so usually a local administrator.
    Exit status: 0 the method was called, 1 it was not or failed.
.PARAMETER Action
    enable or disable.
.PARAMETER ClusterIp
    Primary address of the NLB cluster.
.PARAMETER HostId
    This host's priority in the cluster.
.PARAMETER Vip
    all, or the virtual address that the rule names.
.PARAMETER StartPort
    First port of the rule.
.PARAMETER EndPort
    Last port of the rule.
.PARAMETER Protocol
    tcp, udp or both.
.PARAMETER Number
    Number of the change, higher than those of all changes before it.
.NOTES
    This script has not run on Windows yet. Only a Windows host can prove that the account may
    call the methods and what they return there. It needs the full language mode.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [ValidateSet('enable', 'disable')] [string] $Action,
    [Parameter(Mandatory = $true)] [ValidatePattern('^[0-9A-Fa-f.:]{2,45}$')] [string] $ClusterIp,
    [Parameter(Mandatory = $true)] [ValidateRange(1, 32)] [int] $HostId,
    [Parameter(Mandatory = $true)] [ValidatePattern('^(all|[0-9A-Fa-f.:]{2,45})$')] [string] $Vip,
    [Parameter(Mandatory = $true)] [ValidateRange(0, 65535)] [int] $StartPort,
    [Parameter(Mandatory = $true)] [ValidateRange(0, 65535)] [int] $EndPort,
    [Parameter(Mandatory = $true)] [ValidateSet('tcp', 'udp', 'both')] [string] $Protocol,
    [Parameter(Mandatory = $true)] [ValidateRange(1, 999999999999999999)] [long] $Number
)

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$namespace = 'root/MicrosoftNLB'

function Write-JsonLine($Value) {
    # Only ASCII, so that no code page on the way can change it.
    $json = ConvertTo-Json -InputObject $Value -Depth 4 -Compress
    $escape = { param($match) '\u{0:x4}' -f [int][char]$match.Value }
    [Console]::Out.WriteLine([regex]::Replace($json, '[^\x20-\x7e]', $escape))
}

function Get-AdapterOfNode($Node) {
    # documented: NodeNodeSetting ties a node to its settings, and those name the adapter.
    $found = Get-CimAssociatedInstance -InputObject $Node `
        -Association MicrosoftNLB_NodeNodeSetting `
        -ResultClassName MicrosoftNLB_NodeSetting -ErrorAction SilentlyContinue
    ($found | Select-Object -First 1).AdapterGuid
}

function Get-OwnNode($Settings, $Adapter) {
    # Numbers other than 0 are of nodes on this host (documented: StatusCode).
    $own = @(Get-CimInstance -Namespace $namespace -ClassName MicrosoftNLB_Node |
        Where-Object { $_.StatusCode -ne 0 })
    if ($own.Count -eq 1 -and $Settings.Count -eq 1) { return $own[0] }
    $own | Where-Object { $Adapter -and (Get-AdapterOfNode $_) -eq $Adapter }
}

function Get-Rule($Adapter, $Address) {
    $protocolNumber = @{ tcp = 1; udp = 2; both = 3 }[$Protocol]
    Get-CimInstance -Namespace $namespace -ClassName MicrosoftNLB_PortRuleEx | Where-Object {
        $_.AdapterGuid -eq $Adapter -and $_.VirtualIpAddress -eq $Address -and
        $_.StartPort -eq $StartPort -and $_.EndPort -eq $EndPort -and $_.Protocol -eq $protocolNumber
    }
}

$entered = @{ Lock = $null; Refusal = '' }
try {
    . ([System.IO.Path]::Combine($PSScriptRoot, 'ActionNumber.ps1'))
    $settings = @(Get-CimInstance -Namespace $namespace -ClassName MicrosoftNLB_ClusterSetting)
    $wanted = @($settings | Where-Object { $_.ClusterIPAddress -eq $ClusterIp })
    if ($wanted.Count -ne 1) { throw "this host has $($wanted.Count) NLB clusters $ClusterIp" }
    $adapter = $wanted[0].AdapterGuid

    $node = @(Get-OwnNode $settings $adapter)
    if ($node.Count -ne 1) { throw "this host has $($node.Count) nodes in cluster $ClusterIp" }
    if ($node[0].HostPriority -ne $HostId) {
        throw "this host's priority is $($node[0].HostPriority), not $HostId"
    }

    # documented: 255.255.255.255 stands for all addresses without a rule of their own.
    $address = $Vip
    if ($Vip -eq 'all') { $address = '255.255.255.255' }
    if (@(Get-Rule $adapter $address).Count -ne 1) {
        throw "this host has no rule $Vip $StartPort-$EndPort $Protocol in cluster $ClusterIp"
    }

    $command = "cim $Action $ClusterIp $Vip $StartPort-$EndPort $Protocol"
    $entered = Enter-Action $Number $command
    if ($entered.Refusal) {
        Write-JsonLine ([ordered]@{ schema = 1; refused = $entered.Refusal })
        exit 1
    }
    $method = @{ enable = 'EnableEx'; disable = 'DisableEx' }[$Action]
    $arguments = @{ VirtualIpAddress = $address; Port = [uint32]$StartPort }
    $result = Invoke-CimMethod -InputObject $node[0] -MethodName $method -Arguments $arguments
    Write-JsonLine ([ordered]@{ schema = 1; method = $method; ReturnValue = $result.ReturnValue })
    exit 0
}
catch {
    $code = $null
    if ($_.Exception.GetType().Name -eq 'CimException') { $code = [int]$_.Exception.NativeErrorCode }
    Write-JsonLine ([ordered]@{
        schema = 1
        error = [ordered]@{
            message = $_.Exception.Message
            category = [string]$_.CategoryInfo.Category
            code = $code
        }
    })
    exit 1
}
finally {
    # Also after an exit; the lock would end with this process at the latest.
    if ($null -ne $entered.Lock) { $entered.Lock.Dispose() }
}
