"""What there is: the shared, read-only view of NLB clusters and their SIP Servers.

Knows neither Prometheus nor Flask, and cannot change a port by itself.
"""
