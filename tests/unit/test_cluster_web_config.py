"""What may stand in a web configuration file, and what is said of everything else."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from cluster.errors import ConfigError
from cluster.web_config import CIPHERS
from cluster.web_file import parse

HASH = "$2y$10$" + "Kq3fHn5Ysb0Z.wR8vTgUeuJ2oXcLdPiM7aNx1BzEhV4/tSyGkWm9C"[:53]
CANARY = "canary-9f31c7"


def sound(text: str) -> object:
    """Return what is made of a text."""
    return parse(textwrap.dedent(text), "web.yml")


def refused(text: str) -> str:
    """Return what is said of a text, all of it."""
    with pytest.raises(ConfigError) as found:
        sound(text)
    return str(found.value)


def tls(line: str) -> str:
    """Return a configuration with one more line about TLS."""
    return f"tls_server_config:\n  cert_file: a.pem\n  key_file: a.key\n  {line}\n"


def test_the_sample_is_sound_and_has_every_key() -> None:
    """It is the reference; its values are the ones that it says are the default."""
    text = (Path(__file__).parents[2] / "web.example.yml").read_text("utf-8")
    made = parse(text, "web.example.yml")

    assert set(made.basic_auth_users) == {"prometheus", "operator"}
    assert made.verifies_callers
    assert not made.asks_all_for_certificates
    for section in (made, made.tls_server_config, made.http_server_config):
        assert section is not None
        for key in type(section).model_fields:
            assert f"{key}:" in text, key
    for field in type(made.http_server_config.headers).model_fields.values():
        assert f"{field.alias}: " in text


def test_the_form_of_prometheus_programs_is_taken() -> None:
    """Everything that can be honoured, with its defaults."""
    made = parse(
        textwrap.dedent(f"""
        tls_server_config:
          cert_file: a.pem
          key_file: a.key
          client_auth_type: RequireAndVerifyClientCert
          client_ca_file: ca.pem
          client_allowed_sans: [node-7, 10.0.0.7]
          min_version: TLS12
          max_version: TLS12
          cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]
          prefer_server_cipher_suites: false
        http_server_config:
          http2: false
          headers: {{X-Frame-Options: sameorigin, X-XSS-Protection: "0"}}
        basic_auth_users:
          ana: {HASH}
        """),
        "web.yml",
    )
    assert made.asks_all_for_certificates
    assert made.http_server_config.headers.given == {
        "X-Frame-Options": "sameorigin",
        "X-XSS-Protection": "0",
    }
    bare = parse("http_server_config: {}\n", "web.yml")
    plain = parse(tls("min_version: TLS13"), "web.yml")
    assert [each.verifies_callers for each in (made, bare, plain)] == [True, False, False]
    assert [each.asks_all_for_certificates for each in (bare, plain)] == [False, False]
    assert bare.basic_auth_users == {}
    assert CIPHERS["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"] == "ECDHE-RSA-AES256-GCM-SHA384"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("client_auth_type: RequireAnyClientCert", "RequireAnyClientCert cannot be had here: a certificate that is shown is always verified; use VerifyClientCertIfGiven or RequireAndVerifyClientCert"),
        ("client_auth_type: RequestClientCert", "RequestClientCert cannot be had here: a certificate that is shown is always verified; use VerifyClientCertIfGiven or RequireAndVerifyClientCert"),
        ("client_auth_type: Yes", "'Yes' without quotes means different things"),
        ("client_auth_type: Sometimes", "'Sometimes' is not one of"),
        ("client_auth_type: VerifyClientCertIfGiven", "client_auth_type VerifyClientCertIfGiven needs client_ca_file"),
        ("client_ca_file: ca.pem", "client_ca_file has no effect with client_auth_type NoClientCert"),
        ("client_allowed_sans: [a]", "client_allowed_sans needs client_auth_type RequireAndVerifyClientCert"),
        ("min_version: TLS10", "TLS10 is not offered; write TLS12 or TLS13"),
        ("max_version: TLS11", "TLS11 is not offered; write TLS12 or TLS13"),
        ("min_version: TLS14", "'TLS14' is not one of 'TLS12' or 'TLS13'"),
        ("{min_version: TLS13, max_version: TLS12}", "not valid YAML"),
        ("cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]", "'TLS_RSA_WITH_RC4_128_SHA' cannot be had here; there are TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "),
        ("cipher_suites: [7]", "7 is not a text"),
        ("cipher_suites: TLS_A", "must be "),
        ("curve_preferences: [X25519]", "curves cannot be chosen here; leave it out"),
        ("prefer_server_cipher_suites: 7", "must be a valid boolean"),
        (f"key: {CANARY}", "tls_server_config.key: unknown key (known here: cert_file, key_file, "),
        ("cert: x", "unknown key (did you mean 'cert_file'?)"),
        ("client_ca: x", "unknown key (did you mean 'client_ca_file'?)"),
    ],
)  # fmt: skip
def test_what_tls_cannot_be_is_refused_and_not_passed_over(line: str, said: str) -> None:
    """With its place, and never with what stands there as a secret."""
    found = refused(tls(line))

    assert said in found
    assert CANARY not in found


def test_versions_and_suites_must_fit_each_other() -> None:
    """A key without effect is refused."""
    assert "min_version is above max_version" in refused(
        tls("min_version: TLS13\n  max_version: TLS12")
    )
    assert "cipher_suites has no effect with min_version TLS13" in refused(
        tls("min_version: TLS13\n  cipher_suites: [TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305]")
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("tls_server_config: {}\n", "this key is missing"),
        ("http_server_config: {http2: true}\n", "HTTP/2 is not spoken here; write false, or leave it out"),
        ("http_server_config: {headers: {Server: x}}\n", "unknown key"),
        ("http_server_config: {headers: {X-Frame-Options: never}}\n", "'never' is not one of"),
        ('http_server_config: {headers: {X-XSS-Protection: "a\\nb"}}\n', "is not usable here"),
        ("rate_limit: {interval: 1s}\n", "unknown key"),
        ("basic_auth_user: {}\n", "did you mean 'basic_auth_users'?"),
        ("basic_auth_users: {}\n", "is not a set of 'name: hash' lines"),
        (f"basic_auth_users: {CANARY}\n", "is not a set of 'name: hash' lines"),
        (f"basic_auth_users: {{ana: {CANARY}}}\n", "of 'ana' is no bcrypt hash; make one with: htpasswd -nBC 10 ''"),
        ("basic_auth_users: {ana: 93177}\n", "of 'ana' is no bcrypt hash"),
        ("basic_auth_users: {ana: 0931770}\n", "is no bcrypt hash"),
        (f'basic_auth_users: {{"a:b": {HASH}}}\n', "'a:b' is no user name"),
        (f'basic_auth_users: {{"": {HASH}}}\n', "'' is no user name"),
        (f"basic_auth_users: {{ana: {HASH.replace('$10$', '$15$')}}}\n", "of 'ana' has a cost above 14"),
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_its_place(text: str, said: str) -> None:
    """A password that stands where its hash should is not shown."""
    found = refused(text)

    assert said in found
    assert not any(secret in found for secret in (CANARY, "931770", "93177"))
