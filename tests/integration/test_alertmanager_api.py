"""Questions to an Alertmanager that answers badly: one named error each, in bounded time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cluster.config_model import Alertmanager
from remediator.alertmanager_api import MAX_BYTES, TIMEOUT_SECONDS, NotAnsweredError, get
from remediator.resync import ask

pytestmark = pytest.mark.integration

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """An HTTP server that answers everything in one way."""

    def __init__(self) -> None:
        self.answer: Answer = lambda _: None
        self.asked: list[tuple[str, str | None]] = []
        self.closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.path, self.headers["Accept-Encoding"]))
                server.answer(self)

            def log_message(self, *args: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.settings = Alertmanager(url=f"http://127.0.0.1:{self._server.server_address[1]}/am/")

    def close(self) -> None:
        """Stop."""
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers nothing yet."""
    made = Server()
    yield made
    made.close()


def sends(body: bytes, code: int = 200, length: int | None = None, **headers: str) -> Answer:
    """Return an answer of these bytes. length: as the header says, if not the true one."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_what_is_answered_is_returned(server: Server) -> None:
    """Below the address, with the parameters, not packed."""
    server.answer = sends(b'[{"a": 1}]')
    assert get(server.settings, "/api/v2/silences", {"filter": 'a="b"'}) == [{"a": 1}]
    assert server.asked == [("/am/api/v2/silences?filter=a%3D%22b%22", "identity")]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        pytest.param(sends(b"[1", length=99), "IncompleteRead: ", id="cut off"),
        pytest.param(sends(b"[1"), "JSONDecodeError: ", id="not JSON"),
        pytest.param(sends(b"\xff\xfe[]"), "JSONDecodeError: |UnicodeDecodeError: ", id="no text"),
        pytest.param(sends(b"[" * 200_000), "RecursionError: ", id="too deep"),
        pytest.param(
            sends(b"\x1f\x8b\x00", Content_Encoding="gzip"), "[A-Za-z]+Error: ", id="gzip"
        ),
        pytest.param(sends(b"[]", code=500), "HTTPError: 500 Server Error", id="an error"),
        pytest.param(
            sends(b"x" * (MAX_BYTES + 65536)),
            "ValueError: the answer is larger than 16777216 bytes",
            id="too large",
        ),
    ],
)
def test_a_bad_answer_is_one_named_error(server: Server, answer: Answer, problem: str) -> None:
    """Whatever comes: no other error, so that one Alertmanager never costs the others."""
    server.answer = answer
    with pytest.raises(NotAnsweredError, match=f"^({problem})"):
        get(server.settings, "/api/v2/alerts", {})
    told = ask(server.settings, ())
    assert told.alerts == ()
    assert told.problem is not None


def test_nobody_listening_is_said_in_one_short_line() -> None:
    """Without the library's wrapping: it stands on the screen of who was called at night."""
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        settings = Alertmanager(url=f"http://127.0.0.1:{held.getsockname()[1]}")
        with pytest.raises(NotAnsweredError, match=r"^ConnectionRefusedError: .{1,60}$"):
            get(settings, "/api/v2/alerts", {})


def test_a_redirect_is_not_followed(server: Server) -> None:
    """Credentials go to the configured address alone."""
    server.answer = sends(b"", code=302, Location="/elsewhere")
    with pytest.raises(NotAnsweredError):
        get(server.settings, "/api/v2/alerts", {})
    assert len(server.asked) == 1


def test_an_answer_that_drips_is_cut_off(server: Server) -> None:
    """The time counts for the whole answer, not for each byte of it."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not server.closing.wait(0.5):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    server.answer = drip
    began = time.monotonic()
    with pytest.raises(NotAnsweredError, match=r"^ValueError: the answer took longer than 5 s$"):
        get(server.settings, "/api/v2/alerts", {})
    assert time.monotonic() - began < TIMEOUT_SECONDS + 2.0


def test_a_missing_secret_is_an_error_too(server: Server, tmp_path: Path) -> None:
    """And nothing is sent without it."""
    settings = server.settings.model_copy(update={"bearer_token_file": str(tmp_path / "none")})
    with pytest.raises(NotAnsweredError, match=r"^ClusterError: "):
        get(settings, "/api/v2/alerts", {})
    assert server.asked == []
