"""What every part of ``clusters.yml`` is made of: frozen sections, and credentials. Pure."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cluster.config_values import OwnFile


class Section(BaseModel):
    """A part of the configuration: frozen, strict in types, refusing unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class BasicAuth(Section):
    """A user name and the file that holds the password."""

    username: str = Field(min_length=1, description="user name")
    password_file: OwnFile = Field(description="file whose first line is the password")


class Credentials(Section):
    """Credentials of one kind, by file."""

    bearer_token_file: OwnFile | None = Field(
        None, description="file whose first line is the bearer token"
    )
    basic_auth: BasicAuth | None = Field(None, description="user name and password")

    @model_validator(mode="after")
    def _one_kind(self) -> Credentials:
        if self.bearer_token_file and self.basic_auth:
            raise ValueError("bearer_token_file and basic_auth exclude each other")
        return self

    @property
    def asks_for_credentials(self) -> bool:
        """Whether a token or password is named."""
        return bool(self.bearer_token_file or self.basic_auth)


class ClientCredentials(Credentials):
    """What is shown to a server that is asked, and whose certificates it may have."""

    ca_file: OwnFile | None = Field(
        None, description="certificates of who signs the server's; default: the system's"
    )
    cert_file: OwnFile | None = Field(
        None, description="certificate that is shown to it, PEM; default: none"
    )
    key_file: OwnFile | None = Field(None, description="key of that certificate, no passphrase")

    @model_validator(mode="after")
    def _whole_certificate(self) -> ClientCredentials:
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file go together")
        return self
