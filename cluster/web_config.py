"""What may stand in the file that ``--web.config.file`` names. Pure.

documented: Prometheus exporter-toolkit, "Web configuration". Its form is kept to, so that one
file and one habit serve all programs of a site. What cannot be honoured here is refused, never
passed over: a key that has no effect would be a door that only seems to be locked.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from cluster.config_section import Section
from cluster.config_values import FilePath

_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
MAX_COST = 14
"""Of a bcrypt hash; one more doubles the time of each new login, here about a second."""

_UNVERIFIED = {"RequestClientCert", "RequireAnyClientCert"}

CIPHERS = {
    f"TLS_ECDHE_{key}_WITH_{named}": f"ECDHE-{key}-{openssl}"
    for key in ("ECDSA", "RSA")
    for named, openssl in (
        ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
        ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
        ("CHACHA20_POLY1305", "CHACHA20-POLY1305"),
    )
}
"""Go's names of the sound cipher suites of TLS 1.2, and OpenSSL's."""


def _users(given: object) -> object:
    """Check names and hashes; what is wrong with a hash is said without showing it."""
    if not isinstance(given, dict) or not given:
        raise ValueError("is not a set of 'name: hash' lines; leave it out to ask for no password")
    for name, secret in given.items():
        found = _HASH.fullmatch(secret) if isinstance(secret, str) else None
        if not name or ":" in name:
            raise ValueError(f"{name!r} is no user name: it must not be empty or have a colon")
        if found is None:
            raise ValueError(f"of {name!r} is no bcrypt hash; make one with: htpasswd -nBC 10 ''")
        if int(found[1]) > MAX_COST:
            raise ValueError(f"of {name!r} has a cost above {MAX_COST}; each login would take long")
    return given


def _client_auth(given: object) -> object:
    if given in _UNVERIFIED:
        raise ValueError(
            f"{given} cannot be had here: a certificate that is shown is always verified; "
            "use VerifyClientCertIfGiven or RequireAndVerifyClientCert"
        )
    return given


def _version(given: object) -> object:
    if given in {"TLS10", "TLS11"}:
        raise ValueError(f"{given} is not offered; write TLS12 or TLS13")
    return given


def _suites(given: object) -> object:
    if isinstance(given, tuple):
        for name in given:
            if isinstance(name, str) and name not in CIPHERS:
                raise ValueError(f"{name!r} cannot be had here; there are {', '.join(CIPHERS)}")
    return given


def _refused(why: str) -> BeforeValidator:
    def refuse(_: object) -> object:
        raise ValueError(why)

    return BeforeValidator(refuse)


Version = Annotated[Literal["TLS12", "TLS13"], BeforeValidator(_version)]
Users = Annotated[dict[str, str], BeforeValidator(_users)]


class TlsServer(Section):
    """Certificates and versions."""

    cert_file: FilePath = Field(description="certificate of the program, with those between, PEM")
    key_file: FilePath = Field(description="its private key, PEM, without passphrase")
    client_auth_type: Annotated[
        Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"],
        BeforeValidator(_client_auth),
    ] = Field("NoClientCert", description="whether callers show a certificate")
    client_ca_file: FilePath | None = Field(None, description="who signs certificates of callers")
    client_allowed_sans: tuple[str, ...] = Field(
        (), description="alternative names, one of which a caller's certificate must have"
    )
    min_version: Version = Field("TLS12", description="oldest version that is spoken")
    max_version: Version = Field("TLS13", description="newest version that is spoken")
    cipher_suites: Annotated[tuple[str, ...], BeforeValidator(_suites)] = Field(
        (), description="of TLS 1.2; those of TLS 1.3 cannot be chosen"
    )
    prefer_server_cipher_suites: bool = Field(True, description="our order of suites decides")
    curve_preferences: Annotated[None, _refused("curves cannot be chosen here; leave it out")] = (
        Field(None, description="refused")
    )

    @model_validator(mode="after")
    def _fits(self) -> TlsServer:
        verifies = self.client_auth_type != "NoClientCert"
        if verifies and self.client_ca_file is None:
            raise ValueError(
                f"client_auth_type {self.client_auth_type} needs client_ca_file, or everybody "
                "with a certificate of any public authority comes in"
            )
        if self.client_ca_file is not None and not verifies:
            raise ValueError("client_ca_file has no effect with client_auth_type NoClientCert")
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            raise ValueError(
                "client_allowed_sans needs client_auth_type RequireAndVerifyClientCert"
            )
        if self.min_version > self.max_version:
            raise ValueError("min_version is above max_version")
        if self.cipher_suites and self.min_version == "TLS13":
            raise ValueError("cipher_suites has no effect with min_version TLS13")
        return self


Text = Annotated[str, Field(pattern=r"^[\x20-\x7e]+$")]


class Headers(Section):
    """Headers of every answer, instead of sipnlb's own."""

    model_config = ConfigDict(populate_by_name=False)

    content_security_policy: Text | None = Field(None, alias="Content-Security-Policy")
    x_frame_options: Literal["deny", "sameorigin"] | None = Field(None, alias="X-Frame-Options")
    x_content_type_options: Literal["nosniff"] | None = Field(None, alias="X-Content-Type-Options")
    x_xss_protection: Text | None = Field(None, alias="X-XSS-Protection")
    strict_transport_security: Text | None = Field(None, alias="Strict-Transport-Security")

    @property
    def given(self) -> dict[str, str]:
        """Those that are given, by their names."""
        return self.model_dump(by_alias=True, exclude_none=True)


def _http2(given: object) -> object:
    if given is True:
        raise ValueError("HTTP/2 is not spoken here; write false, or leave it out")
    return given


class HttpServer(Section):
    """How HTTP is spoken."""

    http2: Annotated[bool, BeforeValidator(_http2)] = Field(False, description="only false")
    headers: Headers = Field(default_factory=Headers, description="headers of every answer")


class WebConfig(Section):
    """The whole file."""

    tls_server_config: TlsServer | None = Field(None, description="HTTPS; default: HTTP")
    http_server_config: HttpServer = Field(default_factory=HttpServer, description="HTTP")
    basic_auth_users: Users = Field(
        default_factory=dict, description="users and the bcrypt hashes of their passwords"
    )

    @property
    def verifies_callers(self) -> bool:
        """Whether certificates of callers are asked for and verified."""
        tls = self.tls_server_config
        return tls is not None and tls.client_auth_type != "NoClientCert"

    @property
    def asks_all_for_certificates(self) -> bool:
        """Whether nobody comes in without a certificate."""
        tls = self.tls_server_config
        return tls is not None and tls.client_auth_type == "RequireAndVerifyClientCert"
