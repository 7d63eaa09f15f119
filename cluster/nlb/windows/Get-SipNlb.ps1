#Requires -Version 3.0
<#
.SYNOPSIS
    Prints what Network Load Balancing on this host says of itself, as one line of JSON.
.DESCRIPTION
    The read-out of sipnlb's back end "cim". It reads four classes of root/MicrosoftNLB and
    changes nothing. The properties stand in the answer under their documented names and with
    their documented numbers; what they mean is read by sipnlb, which also tells the NLB
    clusters of the host apart (by AdapterGuid). The form of the answer is told in
    cluster/nlb/cim.py.

    It takes no arguments. It asks no other host. Remote nodes, which the provider lists only
    where NLB remote control is on, are printed with their StatusCode 0 and ignored by sipnlb.

    Rights: an account that may read root/MicrosoftNLB, so usually a local administrator.
    Exit status: 0 the answer stands on standard output, 1 it tells an error.
.NOTES
    This script has not run on Windows yet. Only a Windows host can prove that the account may
    read the classes, that the association MicrosoftNLB_NodeNodeSetting gives the adapter of a
    node, and how long a start of PowerShell takes there. It needs the full language mode.
#>
[CmdletBinding()]
param()

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$namespace = 'root/MicrosoftNLB'

function Write-JsonLine($Value) {
    # Only ASCII, so that no code page on the way can change it.
    $json = ConvertTo-Json -InputObject $Value -Depth 4 -Compress
    $escape = { param($match) '\u{0:x4}' -f [int][char]$match.Value }
    [Console]::Out.WriteLine([regex]::Replace($json, '[^\x20-\x7e]', $escape))
}

function Get-NlbInstance($ClassName, $Properties) {
    Get-CimInstance -Namespace $namespace -ClassName $ClassName | Select-Object -Property $Properties
}

function Get-AdapterOfNode($Node) {
    # documented: NodeNodeSetting ties a node to its settings, and those name the adapter.
    $found = Get-CimAssociatedInstance -InputObject $Node `
        -Association MicrosoftNLB_NodeNodeSetting `
        -ResultClassName MicrosoftNLB_NodeSetting -ErrorAction SilentlyContinue
    ($found | Select-Object -First 1).AdapterGuid
}

try {
    $found = Get-CimInstance -Namespace $namespace -ClassName MicrosoftNLB_Node
    $nodes = @(foreach ($node in $found) {
        $adapter = $null
        if ($node.StatusCode -ne 0) { $adapter = Get-AdapterOfNode $node }
        [ordered]@{
            ComputerName = $node.ComputerName
            HostPriority = $node.HostPriority
            DedicatedIPAddress = $node.DedicatedIPAddress
            StatusCode = $node.StatusCode
            AdapterGuid = $adapter
        }
    })
    Write-JsonLine ([ordered]@{
        schema = 1
        local_time = (Get-Date).ToString('s')
        nodes = $nodes
        cluster_settings = @(Get-NlbInstance MicrosoftNLB_ClusterSetting @(
            'AdapterGuid', 'ClusterIPAddress', 'ClusterMACAddress', 'MulticastSupportEnabled',
            'IGMPSupport', 'RemoteControlEnabled'))
        node_settings = @(Get-NlbInstance MicrosoftNLB_NodeSetting @(
            'AdapterGuid', 'AliveMessagePeriod', 'AliveMessageTolerance'))
        port_rules = @(Get-NlbInstance MicrosoftNLB_PortRuleEx @(
            'AdapterGuid', 'VirtualIpAddress', 'StartPort', 'EndPort', 'Protocol',
            'FilteringMode', 'Priority', 'EqualLoad', 'LoadWeight', 'Affinity', 'PortState'))
    })
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
