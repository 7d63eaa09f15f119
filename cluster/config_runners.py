"""Where requests to a host are carried out, as ``clusters.yml`` says it. Pure.

Each runner has a section of its own; ``type`` tells which one it is. ``refresh`` is how many
seconds the exporter lets pass between two readings of NLB where it is not told otherwise.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from cluster.config_section import ClientCredentials, Section
from cluster.config_values import (
    AccountName,
    Address,
    Duration,
    Fingerprint,
    HttpUrl,
    OwnFile,
    Port,
    PositiveDuration,
)


class LocalSettings(Section):
    """Programs are started on the machine sipnlb runs on: for a program on the node itself."""

    refresh: ClassVar[float] = 1.0

    type: Literal["local"] = Field(description="where requests to the host are carried out")


class SshAccount(Section):
    """An account on the host, and the key that opens it."""

    user: AccountName = Field(description="account on the host")
    key_file: OwnFile | None = Field(
        None, description="private key; default: whatever the SSH agent (SSH_AUTH_SOCK) holds"
    )
    key_passphrase_file: OwnFile | None = Field(
        None, description="file whose first line is the passphrase of the private key"
    )

    @model_validator(mode="after")
    def _passphrase_of_a_key(self) -> SshAccount:
        if self.key_passphrase_file and not self.key_file:
            raise ValueError("key_passphrase_file needs key_file; the agent asks for its own")
        return self


class SshSettings(Section):
    """Requests are carried out over SSH, by OpenSSH for Windows on the host.

    A host whose key is not the known one is always refused; nothing here switches that off.
    """

    refresh: ClassVar[float] = 5.0

    type: Literal["ssh"] = Field(description="over SSH, by OpenSSH for Windows on the host")
    address: Address | None = Field(
        None, description="where the SSH server listens, if not on the host's address"
    )
    port: Port = Field(22, description="port of the SSH server")
    read: SshAccount = Field(description="account that reads; the only one the exporter uses")
    act: SshAccount | None = Field(
        None, description="account that enables and disables ports; without it nothing is changed"
    )
    known_hosts: OwnFile | None = Field(
        None, description="file with the host's key; default: ~/.ssh/known_hosts"
    )
    host_key: Fingerprint | None = Field(
        None, description="fingerprint of the host's key, as ssh-keygen -l prints it"
    )
    shell: Literal["cmd", "powershell", "posix"] = Field(
        "cmd", description="shell that the host's SSH server starts: its DefaultShell"
    )
    connect_timeout: PositiveDuration = Field(
        10.0, description="how long a connection may take to open; readings do not wait for it"
    )

    @model_validator(mode="after")
    def _one_kind_of_trust(self) -> SshSettings:
        if self.known_hosts and self.host_key:
            raise ValueError("known_hosts and host_key exclude each other")
        return self


class WinrmAccount(Section):
    """An account and the JEA endpoint that it may enter."""

    endpoint: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="name of the PowerShell session configuration",
    )
    user: str | None = Field(
        None,
        min_length=1,
        description="account, as DOMAIN\\name or name@REALM; with kerberos the default is the "
        "ticket of the account that sipnlb runs as",
    )
    password_file: OwnFile | None = Field(None, description="file whose first line is the password")
    certificate_file: OwnFile | None = Field(
        None, description="client certificate (PEM), with auth certificate"
    )
    key_file: OwnFile | None = Field(None, description="its private key (PEM), not encrypted")


class WinrmSettings(Section):
    """Requests are carried out by the functions of a restricted PowerShell endpoint (JEA)."""

    refresh: ClassVar[float] = 5.0

    type: Literal["winrm"] = Field(description="by a restricted PowerShell endpoint on the host")
    transport: Literal["https", "http"] = Field(
        "https", description="http only with kerberos or ntlm, which then encrypt each message"
    )
    port: Port | None = Field(None, description="default: 5986 with https, 5985 with http")
    ca_file: OwnFile | None = Field(
        None, description="certificates of who signs the hosts'; default: those Python trusts"
    )
    hostname: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$",
        description="the host's name in its certificate and in Kerberos; default: its address",
    )
    auth: Literal["kerberos", "ntlm", "certificate"] = Field(
        "kerberos", description="how both accounts prove who they are"
    )
    kerberos_service: str = Field(
        "host", pattern=r"^[A-Za-z]+$", description="service part of the host's principal"
    )
    read: WinrmAccount = Field(description="account that reads; the only one the exporter uses")
    act: WinrmAccount | None = Field(
        None, description="account that enables and disables ports; without it nothing is changed"
    )

    @property
    def effective_port(self) -> int:
        """The port that is connected to (documented: WinRM listeners 5985 and 5986)."""
        return self.port or (5986 if self.transport == "https" else 5985)


class PeerSettings(ClientCredentials):
    """The host is read through the exporter that runs on it, and never commanded.

    It has no mode sources of its own here; ``lag`` stands for those that it has there.
    """

    refresh: ClassVar[float] = 1.0

    type: Literal["peer"] = Field(description="read through the exporter on the host itself")
    url: HttpUrl = Field(description="address of that exporter, on a network card without NLB")
    lag: Duration = Field(
        10.0, description="the largest lag of its mode sources, as its own configuration has it"
    )


RunnerSettings = Annotated[
    LocalSettings | SshSettings | WinrmSettings | PeerSettings, Field(discriminator="type")
]
