"""How the service behind a virtual IP is probed, as ``clusters.yml`` says it. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cluster.config_section import Section
from cluster.config_values import Address, OwnFile, Port, PositiveDuration

DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
"""Documented: RFC 3261, section 19.1.2."""

SipUser = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")]


class ServiceProbe(Section):
    """SIP OPTIONS to a virtual IP, as a caller would send them."""

    transport: Literal["udp", "tcp", "tls"] = Field("udp", description="how callers speak SIP")
    address: Address | None = Field(
        None, description="address that is asked; default: the cluster's virtual_ip"
    )
    port: Port | None = Field(None, description="port; default: 5060, with tls 5061")
    timeout: PositiveDuration = Field(2.0, description="how long an answer may take")
    refresh: PositiveDuration = Field(10.0, description="how often the exporter asks")
    from_user: SipUser = Field("sipnlb", description="user part of the From header")
    ca_file: OwnFile | None = Field(
        None, description="certificates that sign the server's, PEM; default: the system's"
    )
    server_name: HostName | None = Field(
        None, description="name that the certificate must have; default: the address"
    )
    verify_remediations: bool = Field(
        False, description="the remediator asks too, after the ports were read as switched"
    )

    @model_validator(mode="after")
    def _fits(self) -> ServiceProbe:
        if self.transport != "tls" and (self.ca_file or self.server_name):
            raise ValueError("ca_file and server_name are only of use with transport: tls")
        if self.timeout > self.refresh:
            raise ValueError("timeout must not be longer than refresh, else probes pile up")
        return self
