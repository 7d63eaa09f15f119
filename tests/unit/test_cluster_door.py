"""Who may call the API."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.config_section import BasicAuth, Credentials
from cluster.door import Door, authorization
from cluster.rights import Caller, Right


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Return a file with a secret."""
    file = tmp_path / "secret"
    file.write_text("s3cret-wörd\nsecond line\n", "utf-8")
    return file


def bearer(file: Path) -> Door:
    """Return a door for a bearer token."""
    return Door(Credentials(bearer_token_file=str(file)), "remediator")


def basic(file: Path) -> Door:
    """Return a door for a user ``alertmanager``."""
    user = BasicAuth(username="alertmanager", password_file=str(file))
    return Door(Credentials(basic_auth=user), "remediator")


def admits(door: Door, header: str | None) -> bool:
    """Tell whether somebody who shows this header is let in."""
    return isinstance(door.admit({"HTTP_AUTHORIZATION": header}, Right.READ), Caller)


def encoded(pair: str) -> str:
    """Return a user and password as basic authentication sends them."""
    return "Basic " + base64.b64encode(pair.encode()).decode()


def test_without_credentials_the_door_is_open() -> None:
    """Everybody is let in where none are configured, and the door says that it is open."""
    door = Door(Credentials(), "remediator")
    assert (door.is_open, admits(door, None), admits(door, "Bearer x")) == (True, True, True)


def test_a_closed_door_says_so(secret: Path) -> None:
    """With credentials of either kind it is closed, and the challenge names the kind."""
    assert (bearer(secret).is_open, basic(secret).is_open) == (False, False)
    assert bearer(secret).challenge == 'Bearer realm="sipnlb-remediator"'
    assert basic(secret).challenge == 'Basic realm="sipnlb-remediator"'


@pytest.mark.parametrize(
    "header", ["Bearer s3cret-wörd", "bearer s3cret-wörd", "  BEARER   s3cret-wörd  "]
)
def test_the_right_token_is_let_in(secret: Path, header: str) -> None:
    """The first line of the file, whatever the case of the scheme."""
    assert admits(bearer(secret), header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "s3cret-wörd",
        "Bearer s3cret-wör",
        "Bearer s3cret-wördx",
        "Bearer S3cret-wörd",
        "Bearer second line",
        "Bearer s3cret-wörd second line",
        "Basic s3cret-wörd",
        "Token s3cret-wörd",
        encoded("alertmanager:s3cret-wörd"),
    ],
)
def test_any_other_token_is_refused(secret: Path, header: str | None) -> None:
    """Missing, cut, longer, another case, another scheme, another line."""
    assert not admits(bearer(secret), header)


def test_the_right_password_is_let_in(secret: Path) -> None:
    """User and password, whatever the case of the scheme."""
    header = encoded("alertmanager:s3cret-wörd")
    assert admits(basic(secret), header)
    assert admits(basic(secret), header.replace("Basic", "basic"))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YWxlcnR",
        encoded("alertmanager:s3cret-wörd").replace("YWxl", "YW!xl"),
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Basic höhö",
        encoded("alertmanager:"),
        encoded(":s3cret-wörd"),
        encoded("alertmanager"),
        encoded("Alertmanager:s3cret-wörd"),
        encoded("alertmanager:s3cret-wörd "),
        encoded("alertmanager:s3cret-wörd").replace("Basic", "Bearer"),
        "Bearer s3cret-wörd",
    ],
)
def test_any_other_password_is_refused(secret: Path, header: str | None) -> None:
    """Missing, bad base64, no text, half of it, another user, another scheme."""
    assert not admits(basic(secret), header)


@pytest.mark.parametrize("kind", [bearer, basic])
@pytest.mark.parametrize("content", [None, b"", b"\n\n", b"\xff\xfe\xff"])
def test_a_bad_secret_file_lets_nobody_in(
    tmp_path: Path, kind: Callable[[Path], Door], content: bytes | None
) -> None:
    """A file that is missing, empty or no text is no empty password."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    door = kind(file)
    for header in (None, "Bearer ", "Bearer", "Basic ", encoded("alertmanager:"), encoded(":")):
        assert not admits(door, header)


def test_a_new_secret_holds_at_once(secret: Path) -> None:
    """A rotated secret needs no restart, and the old one is out."""
    door = bearer(secret)
    assert admits(door, "Bearer s3cret-wörd")
    secret.write_text("another\n")
    assert not admits(door, "Bearer s3cret-wörd")
    assert admits(door, "Bearer another")


def test_secrets_are_compared_in_constant_time(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right or wrong, the answer is the library's constant-time comparison of the whole secret."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(given: bytes, expected: bytes) -> bool:
        compared.append((given, expected))
        return True

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert admits(bearer(secret), "Bearer wrong")
    assert admits(basic(secret), encoded("some:body"))
    assert compared == [
        (b"wrong", "s3cret-wörd".encode()),
        (b"some:body", "alertmanager:s3cret-wörd".encode()),
    ]


def test_what_a_caller_shows_is_let_in(secret: Path) -> None:
    """The header made of credentials of either kind passes the door that asks for them."""
    token = Credentials(bearer_token_file=str(secret))
    user = Credentials(basic_auth=BasicAuth(username="node-2", password_file=str(secret)))

    assert authorization(token) == {"Authorization": "Bearer s3cret-wörd"}
    assert authorization(user) == {"Authorization": encoded("node-2:s3cret-wörd")}
    assert authorization(Credentials()) == {}
    for credentials in (token, user):
        assert admits(Door(credentials, "exporter"), authorization(credentials)["Authorization"])
    assert Door(user, "exporter").challenge == 'Basic realm="sipnlb-exporter"'
