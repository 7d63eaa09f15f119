"""The web configuration file, read again when it changes."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import bcrypt
import pytest
import structlog
import trustme

from cluster.client_tls import ClientTls
from cluster.errors import ClusterError
from cluster.tls_terms import TlsTerms
from cluster.web_file import NOTHING, WebFile
from tests.unit import exporter_samples as samples

HASHES = [bcrypt.hashpw(name, bcrypt.gensalt(4)).decode() for name in (b"moss", b"fern")]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority of the test's own."""
    return trustme.CA()


class Site:
    """A folder with a web configuration, and who reads it."""

    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        self.file, self.folder, self.authority = folder / "web.yml", folder, authority
        self.clock = samples.FakeClock()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        self.issue()

    def issue(self) -> None:
        """Write a new certificate and its key."""
        made = self.authority.issue_cert("127.0.0.1")
        (self.folder / "a.pem").write_bytes(made.cert_chain_pems[0].bytes())
        (self.folder / "a.key").write_bytes(made.private_key_pem.bytes())

    def write(self, tls: str = "", users: str = f"  ana: {HASHES[0]}\n") -> None:
        """Write the configuration; its time differs from any before."""
        text = f"tls_server_config:\n  cert_file: a.pem\n  key_file: a.key\n{tls}"
        self.file.write_text(text + (f"basic_auth_users:\n{users}" if users else ""))

    def read(self) -> WebFile:
        """Read it for the first time."""
        return WebFile(self.file, self.clock, "exporter")

    def later(self, web: WebFile, looks: int = 3) -> None:
        """Ask several times, a second between."""
        for _ in range(looks):
            self.clock.move(1.1)
            web()


@pytest.fixture
def site(tmp_path: Path, authority: trustme.CA) -> Site:
    """A folder with a sound configuration."""
    made = Site(tmp_path, authority)
    made.write()
    return made


def test_without_a_file_everything_is_plain_and_open() -> None:
    """Nothing is read, ever."""
    web = WebFile(None, samples.FakeClock(), "exporter")

    assert (web(), web.terms()) == (NOTHING, None)


def test_a_changed_user_holds_after_a_moment(site: Site) -> None:
    """Once the change has stayed the same for two looks, and not before it is looked at."""
    web = site.read()
    assert web().config.basic_auth_users == {"ana": HASHES[0]}
    site.write(users=f"  ana: {HASHES[1]}\n  luz: {HASHES[0]}\n")

    site.later(web, 1)
    assert web().config.basic_auth_users == {"ana": HASHES[0]}
    with structlog.testing.capture_logs() as lines:
        site.later(web, 1)
    assert web().config.basic_auth_users == {"ana": HASHES[1], "luz": HASHES[0]}
    assert [line["event"] for line in lines] == ["web configuration taken anew"]


def test_a_new_certificate_is_taken(site: Site) -> None:
    """Certificate and key are files of their own; between the two the old pair stays."""
    web = site.read()
    first = web.terms()
    assert first is not None
    old_key = (site.folder / "a.key").read_bytes()
    site.issue()
    new_key = (site.folder / "a.key").read_bytes()
    (site.folder / "a.key").write_bytes(old_key)

    with structlog.testing.capture_logs() as lines:
        site.later(web, 5)
        assert web.terms() is first
        (site.folder / "a.key").write_bytes(new_key)
        site.later(web)
    assert web.terms() is not first
    assert [line["event"] for line in lines] == [
        "web configuration not taken, the old one stays",
        "web configuration taken anew",
    ]
    assert "are not a certificate and its key: KEY_VALUES_MISMATCH" in lines[0]["problem"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("basic_auth_users: {ana: moss}\n", "is no bcrypt hash"),
        ("tls_server_config: {cert_file: none.pem, key_file: a.key}\n", "none.pem"),
        (f"basic_auth_users: {{ana: {HASHES[0]}}}\n", "tls_server_config has come or gone"),
        ("tls_server_config: {cert_file: a.pem, key_file: a.key}\n", "basic_auth_users is gone"),
        (None, "cannot be read: No such file or directory"),
    ],
    ids=["empty", "unsound", "no certificate", "no TLS", "no users", "no file"],
)
def test_what_is_unsound_or_opens_the_door_is_not_taken(
    site: Site, text: str | None, said: str
) -> None:
    """The old one stays in force; the log says why, once."""
    web = site.read()
    before = web()
    if text is None:
        site.file.unlink()
    else:
        site.file.write_text(text)

    with structlog.testing.capture_logs() as lines:
        site.later(web, 6)
    assert web() is before
    assert [line["log_level"] for line in lines] == ["error"]
    assert said in lines[0]["problem"]

    site.write(users=f"  luz: {HASHES[1]}\n")
    site.later(web)
    assert web().config.basic_auth_users == {"luz": HASHES[1]}


def test_certificates_of_callers_cannot_be_given_up_while_it_runs(site: Site) -> None:
    """Who had to show one before has to until the program is started anew."""
    site.write("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n")
    web = site.read()
    before = web()
    site.write("  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n")

    site.later(web)
    assert web() is before


def test_settings_of_tls_are_honoured(site: Site) -> None:
    """Versions, suites, order and who must show a certificate."""
    site.write(
        "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
        "  client_allowed_sans: [node-7]\n  min_version: TLS12\n  max_version: TLS12\n"
        "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"
        "  prefer_server_cipher_suites: false\n"
    )
    terms = site.read().terms()

    assert terms is not None
    context = terms.context
    assert (context.minimum_version, context.maximum_version) == (
        ssl.TLSVersion.TLSv1_2,
        ssl.TLSVersion.TLSv1_2,
    )
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert {each["name"] for each in context.get_ciphers() if each["protocol"] != "TLSv1.3"} == {
        "ECDHE-ECDSA-AES256-GCM-SHA384"
    }
    assert not context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert terms.allowed_names == {"node-7"}


def test_names_of_certificates_are_held_against_those_that_are_allowed() -> None:
    """One of its alternative names, of whatever kind, must be among them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown = {"subjectAltName": (("DNS", "node-7"), ("IP Address", "10.0.0.7"))}

    assert TlsTerms(context).allows({})
    assert TlsTerms(context, frozenset({"10.0.0.7"})).allows(shown)
    assert not TlsTerms(context, frozenset({"node-8"})).allows(shown)
    assert not TlsTerms(context, frozenset({"node-7"})).allows({})


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"x" * 1_048_577, "is larger than"), (b"\xff\xfe\xff", "is not UTF-8 text")],
)
def test_what_is_no_text_is_refused(site: Site, content: bytes, said: str) -> None:
    """With the file's name."""
    site.file.write_bytes(content)

    with pytest.raises(ClusterError, match=said):
        site.read()


def test_an_encrypted_key_is_refused_without_asking_a_terminal(site: Site) -> None:
    """And without showing anything of it."""
    encrypted = (
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nTU9TUw==\n-----END ENCRYPTED PRIVATE KEY-----\n"
    )
    (site.folder / "a.key").write_text(encrypted)

    with pytest.raises(ClusterError, match="are not a certificate and its key") as found:
        site.read()
    assert "TU9T" not in str(found.value)


def test_who_asks_shows_its_new_certificate_too(site: Site) -> None:
    """It is read anew when it changes; what cannot be used leaves the old."""
    names = [str(site.folder / name) for name in ("ca.pem", "a.pem", "a.key")]
    asking = ClientTls(*names)
    first = asking.context()
    assert asking.context() is first

    (site.folder / "a.key").write_text("moss")
    with structlog.testing.capture_logs() as lines:
        assert asking.context() is first
        assert asking.context() is first
    assert [line["event"] for line in lines] == ["certificates not taken, the old stay"]
    site.issue()
    os.utime(site.folder / "a.key", ns=(1, 1))
    assert asking.context() is not first


def test_certificates_that_cannot_be_used_are_said(site: Site) -> None:
    """Before anything is asked."""
    with pytest.raises(ClusterError, match="cannot be used as certificates"):
        ClientTls(str(site.file), None, None)
    with pytest.raises(ClusterError, match="are not a certificate and its key"):
        ClientTls(None, str(site.file), str(site.file))
