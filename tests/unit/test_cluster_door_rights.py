"""Who may do what: rights, users, certificates, and how often one may fail."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import structlog

from cluster.config_section import Credentials
from cluster.config_web import RemediatorWeb
from cluster.door import CALLS_AT_ONCE, FAILURES_AT_ONCE, Door
from cluster.errors import ClusterError
from cluster.rights import Caller, Refusal, Right
from cluster.subject import SUBJECT, Subject
from cluster.web_config import WebConfig
from cluster.web_file import WebSettings
from tests.unit import exporter_samples as samples

USERS = {
    name: bcrypt.hashpw(f"{name}-pass".encode(), bcrypt.gensalt(4)).decode()
    for name in ("ana", "luz", "eva")
}
VERIFIED = {
    "cert_file": "a.pem",
    "key_file": "a.key",
    "client_auth_type": "RequireAndVerifyClientCert",
    "client_ca_file": "ca.pem",
}
EVERYTHING = {Right.WEBHOOK, Right.READ, Right.OPERATE}


class Site:
    """A door, and who comes to it."""

    def __init__(self, folder: Path, web: dict[str, Any], **settings: Any) -> None:
        for name in ("hook", "see", "work"):
            (folder / name).write_text(f"{name}-token\n")
        text = {key: _placed(folder, value) for key, value in web.items()}
        config = WebConfig.model_validate(settings)
        self.clock = samples.FakeClock()
        self.door = Door(
            RemediatorWeb.model_validate(text),
            "remediator",
            lambda: WebSettings(config),
            self.clock,
        )

    def come(
        self,
        right: Right | None,
        header: str | None = None,
        subject: Subject = (),
        address: str = "10.0.0.9",
        **environ: str,
    ) -> Caller | Refusal:
        """Return what becomes of a request."""
        given = {"HTTP_AUTHORIZATION": header, SUBJECT: subject, "REMOTE_ADDR": address}
        return self.door.admit(given | environ, right)

    def rights(self, header: str | None = None, subject: Subject = ()) -> set[Right]:
        """Return all rights that this opens."""
        return {right for right in Right if isinstance(self.come(right, header, subject), Caller)}


def _placed(folder: Path, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _placed(folder, inner) for key, inner in value.items()}
    return str(folder / value[1:]) if isinstance(value, str) and value[0] == "@" else value


def basic(name: str, password: str) -> str:
    """Return what a browser sends."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def named(name: str) -> Subject:
    """Return the subject of a certificate."""
    return (("organizationName", "Moss"), ("commonName", name))


DIVIDED = {
    "webhook": {"bearer_token_file": "@hook"},
    "read": {"basic_auth": {"username": "board", "password_file": "@see"}, "users": ("luz",)},
    "operate": {"bearer_token_file": "@work", "users": ("ana",), "client_certificates": ("CN=op",)},
}


def test_each_right_is_opened_by_its_own_credentials_alone(tmp_path: Path) -> None:
    """The secret that Alertmanager has sends alerts and nothing else."""
    site = Site(tmp_path, DIVIDED, basic_auth_users=USERS, tls_server_config=VERIFIED)
    both = {Right.READ, Right.OPERATE}

    assert site.rights("Bearer hook-token") == {Right.WEBHOOK}
    assert site.rights(basic("board", "see-token")) == {Right.READ}
    assert site.rights(basic("luz", "luz-pass")) == {Right.READ}
    assert site.rights("Bearer work-token") == both
    assert site.rights(basic("ana", "ana-pass")) == both
    assert site.rights(None, named("op")) == both
    assert site.rights("Bearer hook-token", named("op")) == EVERYTHING
    assert site.rights(basic("eva", "eva-pass")) == set()
    for header in (None, "", "Bearer see-token", "Bearer hook-token2", basic("ana", "luz-pass")):
        assert site.rights(header) == set()
    assert site.rights(None, named("other")) == set()
    assert site.rights(basic("ana", "wrong"), named("op")) == set()


def test_who_is_known_but_may_not_is_told_so(tmp_path: Path) -> None:
    """With its name and what it wanted; a stranger learns nothing."""
    site = Site(tmp_path, DIVIDED, basic_auth_users=USERS)

    assert site.come(Right.OPERATE, "Bearer hook-token") == Refusal(
        403,
        "webhook token has no right to operate",
        "what each may do stands in remediator.web",
    )
    assert site.come(Right.READ) == Refusal(
        401,
        "missing or wrong credentials",
        "send the configured credentials",
        (("WWW-Authenticate", 'Basic realm="sipnlb-remediator"'),),
    )


def test_callers_have_names_for_the_record(tmp_path: Path) -> None:
    """Of user, certificate or credentials."""
    site = Site(tmp_path, DIVIDED, basic_auth_users=USERS, tls_server_config=VERIFIED)
    found = [
        site.come(Right.OPERATE, "Bearer work-token"),
        site.come(Right.OPERATE, basic("ana", "ana-pass")),
        site.come(Right.OPERATE, None, named("op")),
        site.come(Right.READ, basic("board", "see-token")),
    ]
    assert [each.name for each in found if isinstance(each, Caller)] == [
        "operate token",
        "ana",
        "op",
        "board",
    ]


def test_users_of_the_web_configuration_have_all_rights_where_none_are_divided(
    tmp_path: Path,
) -> None:
    """A certificate alone is not enough for who must have a password as well."""
    site = Site(tmp_path, {}, basic_auth_users=USERS, tls_server_config=VERIFIED)

    assert site.rights(basic("eva", "eva-pass")) == EVERYTHING
    assert site.rights(None, named("op")) == set()
    assert not site.door.is_open


def test_where_nobody_comes_in_without_a_certificate_it_has_all_rights(tmp_path: Path) -> None:
    """Or those that it is granted."""
    site = Site(tmp_path, {}, tls_server_config=VERIFIED)
    assert (site.door.is_open, site.door.guards_all) == (False, False)
    assert site.rights(None, named("any")) == EVERYTHING
    assert site.rights("Bearer moss", named("any")) == set()

    divided = Site(tmp_path, {"operate": DIVIDED["operate"]}, tls_server_config=VERIFIED)
    assert divided.rights(None, named("any")) == set()
    assert divided.rights(None, (("organizationName", "Moss"),)) == set()


def test_pages_without_a_right_are_open_unless_there_are_users(tmp_path: Path) -> None:
    """Then every page asks, and whoever is known may see it."""
    assert isinstance(Site(tmp_path, DIVIDED).come(None), Caller)
    site = Site(tmp_path, DIVIDED, basic_auth_users=USERS)

    assert isinstance(site.come(None), Refusal)
    for header in ("Bearer hook-token", basic("eva", "eva-pass")):
        assert isinstance(site.come(None, header), Caller)


@pytest.mark.parametrize("right", [Right.OPERATE, Right.READ])
def test_a_page_of_another_site_operates_nothing(tmp_path: Path, right: Right) -> None:
    """A browser adds credentials by itself; seeing is not harmed by it."""
    site = Site(tmp_path, DIVIDED, basic_auth_users=USERS)
    found = site.come(right, basic("ana", "ana-pass"), HTTP_SEC_FETCH_SITE="cross-site")

    assert isinstance(found, Refusal) is (right is Right.OPERATE)
    own = site.come(right, basic("ana", "ana-pass"), HTTP_SEC_FETCH_SITE="same-origin")
    assert isinstance(own, Caller)


def test_a_caller_operates_only_so_often(tmp_path: Path) -> None:
    """Then it is told when to come again; others go on, and so does it after that."""
    site = Site(tmp_path, DIVIDED, basic_auth_users=USERS)
    for _ in range(CALLS_AT_ONCE):
        assert isinstance(site.come(Right.OPERATE, "Bearer work-token"), Caller)

    assert site.come(Right.OPERATE, "Bearer work-token") == Refusal(
        429, "operate token calls too often", "wait a while", (("Retry-After", "2"),)
    )
    assert isinstance(site.come(Right.READ, "Bearer work-token"), Caller)
    assert isinstance(site.come(Right.OPERATE, basic("ana", "ana-pass")), Caller)
    site.clock.move(1.1)
    assert isinstance(site.come(Right.OPERATE, "Bearer work-token"), Caller)


def test_who_fails_too_often_is_told_to_wait_and_locks_nobody_out(tmp_path: Path) -> None:
    """Guesses are not even checked then; what is right and cheap to check still comes in."""
    site = Site(tmp_path, DIVIDED, basic_auth_users=USERS)
    assert isinstance(site.come(Right.OPERATE, basic("ana", "ana-pass")), Caller)
    with structlog.testing.capture_logs() as lines:
        told = [site.come(Right.READ, basic("luz", f"guess {n}")) for n in range(200)]
    kinds = [each.status for each in told if isinstance(each, Refusal)]

    assert kinds == [401] * FAILURES_AT_ONCE + [429] * (200 - FAILURES_AT_ONCE)
    assert len(lines) == FAILURES_AT_ONCE
    assert lines[0] == {
        "event": "caller refused",
        "log_level": "warning",
        "why": "missing or wrong credentials",
        "peer": "10.0.0.9",
        "wants": Right.READ,
    }
    assert isinstance(site.come(Right.READ, basic("luz", "luz-pass")), Refusal)
    assert isinstance(site.come(Right.READ, basic("ana", "ana-pass")), Caller)
    assert isinstance(site.come(Right.WEBHOOK, "Bearer hook-token"), Caller)
    assert isinstance(site.come(Right.READ, basic("luz", "luz-pass"), address="10.0.0.8"), Caller)
    site.clock.move(6)
    assert isinstance(site.come(Right.READ, basic("luz", "luz-pass")), Caller)


def test_who_sends_alerts_is_never_told_to_wait(tmp_path: Path) -> None:
    """Alertmanager comes again at its own pace, whatever it is told."""
    site = Site(tmp_path, DIVIDED, basic_auth_users=USERS)
    told = [site.come(Right.WEBHOOK, basic("luz", f"guess {n}")) for n in range(50)]

    assert {each.status for each in told if isinstance(each, Refusal)} == {401}


@pytest.mark.parametrize(
    ("web", "settings", "said"),
    [
        (
            {"operate": {"users": ("ana", "kim")}},
            {"basic_auth_users": USERS},
            "remediator.web.operate.users: 'kim' is not among basic_auth_users",
        ),
        (
            {"client_certificates": ("CN=op",)},
            {"basic_auth_users": USERS},
            "remediator.web.client_certificates: certificates of callers are not verified",
        ),
        ({"read": {"bearer_token_file": "@none"}}, {}, "the secret file cannot be read"),
    ],
)
def test_what_nobody_could_pass_with_is_said_at_the_start(
    tmp_path: Path, web: dict[str, Any], settings: dict[str, Any], said: str
) -> None:
    """A name that is nowhere, certificates that nobody asks for, a file that is not there."""
    with pytest.raises(ClusterError, match=said):
        Site(tmp_path, web, **settings).door.check()
    Site(tmp_path, DIVIDED, basic_auth_users=USERS, tls_server_config=VERIFIED).door.check()


def test_headers_of_every_answer_may_be_replaced(tmp_path: Path) -> None:
    """Those that are not given stay."""
    given = {"headers": {"X-Frame-Options": "sameorigin"}}
    headers = Site(tmp_path, {}, http_server_config=given).door.headers

    assert headers == {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "sameorigin",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
    }


def test_the_exporters_door_is_of_one_piece(tmp_path: Path) -> None:
    """Whoever is let in there may see; there is nothing else."""
    (tmp_path / "token").write_text("moss\n")
    door = Door(Credentials(bearer_token_file=str(tmp_path / "token")), "exporter")

    assert isinstance(door.admit({"HTTP_AUTHORIZATION": "Bearer moss"}, Right.READ), Caller)


LOCAL = (
    None,
    "localhost",
    "LOCALHOST:9877",
    "localhost.:80",
    "127.0.0.1:9877",
    "127.3.4.5",
    "[::1]:9877",
)
FOREIGN = (
    "evil.example",
    "evil.example:9877",
    "localhost.evil.example",
    "10.7.0.11:9877",
    "[fd00::1]:80",
    "[",
    ":9877",
)


@pytest.mark.parametrize("host", LOCAL)
@pytest.mark.parametrize("right", [None, Right.READ, Right.OPERATE])
def test_without_credentials_who_asks_for_this_machine_is_let_in(
    host: str | None, right: Right | None
) -> None:
    """By any of its own names; programs that name nothing are no browsers."""
    door = Door(Credentials(), "remediator", clock=samples.FakeClock(), on_loopback=True)
    given = {} if host is None else {"HTTP_HOST": host}
    assert isinstance(door.admit(given, right), Caller)


@pytest.mark.parametrize("host", FOREIGN)
@pytest.mark.parametrize("right", [None, Right.READ, Right.OPERATE, Right.WEBHOOK])
def test_a_page_whose_name_leads_here_learns_and_does_nothing(
    host: str, right: Right | None
) -> None:
    """Even where the browser says that it is the same site, as it must believe."""
    door = Door(Credentials(), "remediator", clock=samples.FakeClock(), on_loopback=True)
    given = {"HTTP_HOST": host, "HTTP_SEC_FETCH_SITE": "same-origin"}
    assert door.admit(given, right) == Refusal(
        421,
        "addressed to another site than this machine",
        "ask for localhost, 127.0.0.1 or [::1]; for other names set credentials",
    )


def test_credentials_open_the_door_by_any_name(tmp_path: Path) -> None:
    """A page does not know them, and a proxy may; it may see what needs none, too."""
    (tmp_path / "token").write_text("opensesame\n")
    shown = Credentials(bearer_token_file=str(tmp_path / "token"))
    door = Door(shown, "exporter", clock=samples.FakeClock(), on_loopback=True)
    given = {"HTTP_HOST": "sip.example", "HTTP_AUTHORIZATION": "Bearer opensesame"}
    assert isinstance(door.admit(given, Right.READ), Caller)
    assert isinstance(door.admit({"HTTP_HOST": "sip.example"}, None), Caller)
    beyond = Door(Credentials(), "exporter", clock=samples.FakeClock())
    assert isinstance(beyond.admit({"HTTP_HOST": "sip.example"}, None), Caller)
