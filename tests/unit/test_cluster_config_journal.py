"""Where the record is kept: what a URL may say, and what goes with it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cluster.config import parse
from cluster.config_journal import Journal, PostgresAddress
from cluster.errors import ConfigError
from tests.unit import remediator_samples as samples

REMOTE = {"url": "postgresql://sipnlb@db.example.com/record", "ca_file": "ca.pem"}


def refusal(**given: str) -> str:
    """Return what is said of a section."""
    with pytest.raises(ValidationError) as caught:
        Journal.model_validate(given)
    (error,) = caught.value.errors()
    return str(error["ctx"]["error"])


def test_a_file_is_the_default() -> None:
    """Nothing needs to be set, and nothing is there to connect to."""
    journal = Journal()
    assert (journal.url, journal.postgres) == ("sqlite:///sipnlb-journal.db", None)
    assert journal.retention == 400 * 86400.0
    assert Journal.model_validate({"url": "sqlite:////var/j.db"}).url == "sqlite:////var/j.db"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (
            "postgresql://sipnlb@db.example.com/record",
            PostgresAddress("sipnlb", (("db.example.com", 5432),), "record"),
        ),
        (
            "postgresql://a%40b@10.9.0.5:6432,[2001:db8::7]:7432/re%2Fcord",
            PostgresAddress("a@b", (("10.9.0.5", 6432), ("2001:db8::7", 7432)), "re/cord"),
        ),
    ],
)
def test_a_postgresql_is_named_by_its_url(url: str, address: PostgresAddress) -> None:
    """User, servers and database; where there are several servers, one of them can be written."""
    assert Journal.model_validate({"url": url, "sslmode": "require"}).postgres == address


@pytest.mark.parametrize(
    ("url", "ssl"),
    [
        ("postgresql://a@127.0.0.1/b", "disable"),
        ("postgresql://a@[::1]:5433/b", "disable"),
        ("postgresql://a@localhost/b", "disable"),
        ("postgresql://a@127.0.0.1,10.9.0.5/b", "verify-full"),
        ("postgresql://a@db/b", "verify-full"),
    ],
)
def test_beyond_this_machine_the_server_has_to_prove_who_it_is(url: str, ssl: str) -> None:
    """Whoever answers in its place would be given the password."""
    given = {"url": url} if ssl == "disable" else {"url": url, "ca_file": "ca.pem"}
    assert Journal.model_validate(given).ssl == ssl


@pytest.mark.parametrize(
    "url",
    [
        "mysql://x",
        "",
        "sqlite:///",
        "sqlite://",
        "postgresql://db/record",
        "postgresql://a@db",
        "postgresql://a@db/record?sslmode=disable",
        "postgresql://a@db/record#x",
        "postgresql+psycopg://a@db/record",
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    """The message does not repeat it: it might hold a password."""
    assert refusal(url=url) == (
        "neither sqlite:///PATH nor postgresql://USER@HOST/DATABASE; settings of the connection are "
        "keys of their own, beside url"
    )


@pytest.mark.parametrize("url", ["postgresql://a:hunter2@db/b", "postgresql://a:@db/b"])
def test_a_password_in_the_url_is_refused(url: str) -> None:
    """It would be shown wherever the URL is: in errors, in the log."""
    assert refusal(url=url) == (
        "a password may not stand in the url; put it into a file and name that as password_file"
    )


@pytest.mark.parametrize("server", ["", "db:0", "db:70000", "db:x", "d b", "db,"])
def test_a_server_is_a_host_and_a_port(server: str) -> None:
    """What is neither would only be found when it is connected to."""
    if not server:
        assert refusal(url="postgresql://a@/b").startswith("neither sqlite")
        return
    wrong = server.rsplit(",", maxsplit=1)[-1]
    assert refusal(url=f"postgresql://a@{server}/b") == (
        f"{wrong!r} is not a server; write HOST or HOST:PORT"
    )


@pytest.mark.parametrize("key", ["password_file", "sslmode", "ca_file"])
def test_a_file_needs_no_connection(key: str) -> None:
    """Whoever sets it believes in something that does not happen."""
    value = "require" if key == "sslmode" else "some-file"
    assert refusal(**{key: value}) == (
        "password_file, sslmode and ca_file are only of use with a url of postgresql://"
    )


def test_a_port_may_be_left_out_of_some() -> None:
    """Each server has its own."""
    journal = Journal.model_validate({"url": "postgresql://a@one,two:7/b", "sslmode": "require"})
    assert journal.postgres is not None
    assert journal.postgres.servers == (("one", 5432), ("two", 7))


def test_what_is_to_be_verified_needs_somebody_to_vouch() -> None:
    """There is no authority that every site has."""
    assert refusal(url=REMOTE["url"]) == (
        "sslmode verify-full needs ca_file, the certificates that sign the server's"
    )
    assert refusal(url=REMOTE["url"], sslmode="verify-ca") == (
        "sslmode verify-ca needs ca_file, the certificates that sign the server's"
    )


@pytest.mark.parametrize("mode", ["require", "disable"])
def test_what_verifies_nothing_needs_nobody(mode: str) -> None:
    """A file that is not looked at is a door that only seems to be locked."""
    assert refusal(**REMOTE, sslmode=mode) == (
        f"sslmode {mode} verifies nothing, so that ca_file is of no use"
    )


SHARED = "  journal: {url: postgresql://a@127.0.0.1/b}\n"


@pytest.mark.parametrize(
    ("settings", "least"),
    [
        ("  lease: 11s\n", 12),
        ("  lease: 15s\n  command_timeout: 9s\n", 18),
        ("  lease: 14s\n  max_age: 3500ms\n", 15),
    ],
)
def test_a_lease_that_is_too_short_is_refused(settings: str, least: int) -> None:
    """In its last third, before it is renewed, no command could be sent."""
    with pytest.raises(ConfigError) as caught:
        samples.config(remediator=SHARED + settings)
    (problem,) = caught.value.problems
    length = settings.split()[1]
    assert (problem.path, problem.problem, problem.hint) == (
        "remediator.lease",
        f"two thirds of {length.removesuffix('s')} s are less than command_timeout + max_age + 1s",
        f"make it {least} s or longer, or command_timeout shorter",
    )
    samples.config(remediator=SHARED + settings.replace(f"lease: {length}", f"lease: {least}s"))


def test_alone_no_lease_is_too_short() -> None:
    """A remediator that has its journal to itself holds everything for ever."""
    parse(
        "clusters:"
        + samples.CLUSTER.format(name="quito", net=0)
        + samples.HOSTS.format(name="quito", net=0)
        + "\nremediator: {lease: 1s}\n",
        "clusters.yml",
    )
