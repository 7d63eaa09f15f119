# Which port rules of this host may be read and switched. Written by Install-SipNlb.ps1.
@{
    ClusterIp = ''
    HostId = 0
    Rules = @(
        @{ Vip = 'all'; Start = 5060; End = 5060; Protocol = 'both' }
    )
}
