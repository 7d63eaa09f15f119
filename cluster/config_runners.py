"""Where requests to a host are carried out, as ``clusters.yml`` says it. Pure.

Each runner has a section of its own; ``type`` tells which one it is. ``refresh`` is how many
seconds the exporter lets pass between two readings of NLB where it is not told otherwise.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cluster.config_section import Credentials, Section
from cluster.config_values import FilePath, HttpUrl, Port


class LocalSettings(Section):
    """Programs are started on the machine sipnlb runs on: for a program on the node itself."""

    refresh: ClassVar[float] = 1.0

    type: Literal["local"] = Field(description="where requests to the host are carried out")


class SshAccount(Section):
    """An account on the host, and the key that opens it."""

    user: str = Field(min_length=1, description="account on the host")
    key_file: FilePath | None = Field(
        None, description="private key; default: the keys of the SSH agent"
    )


class SshSettings(Section):
    """Requests are carried out over SSH, by OpenSSH for Windows on the host."""

    refresh: ClassVar[float] = 5.0

    type: Literal["ssh"] = Field(description="over SSH, by OpenSSH for Windows on the host")
    port: Port = Field(22, description="port of the SSH server")
    read: SshAccount = Field(description="account that reads; the only one the exporter uses")
    act: SshAccount | None = Field(
        None, description="account that enables and disables ports; without it nothing is changed"
    )


class WinrmAccount(Section):
    """An account and the JEA endpoint that it may enter."""

    endpoint: str = Field(min_length=1, description="name of the PowerShell session configuration")


class WinrmSettings(Section):
    """Requests are carried out by the functions of a restricted PowerShell endpoint (JEA)."""

    refresh: ClassVar[float] = 5.0

    type: Literal["winrm"] = Field(description="by a restricted PowerShell endpoint on the host")
    read: WinrmAccount = Field(description="account that reads; the only one the exporter uses")
    act: WinrmAccount | None = Field(
        None, description="account that enables and disables ports; without it nothing is changed"
    )


class PeerSettings(Credentials):
    """The host is read through the exporter that runs on it, and never commanded."""

    refresh: ClassVar[float] = 1.0

    type: Literal["peer"] = Field(description="read through the exporter on the host itself")
    url: HttpUrl = Field(description="address of that exporter, on a network card without NLB")


RunnerSettings = Annotated[
    LocalSettings | SshSettings | WinrmSettings | PeerSettings, Field(discriminator="type")
]
