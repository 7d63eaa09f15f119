"""How long ``sipnlb-remediator reconcile`` takes, against Python's own start. By hand:

    python tests/bench/reconcile_start.py [RUNS]

Prints the medians in milliseconds and their ratio. A server on loopback answers at once, so that
what is measured is the command: start, one request, end.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "python": "pass",
    "reconcile": "from remediator.command import entry_point; entry_point()",
    "the whole program": "import remediator.__main__",
}


class Remediator(BaseHTTPRequestHandler):
    """Takes every request as the remediator does."""

    def do_POST(self) -> None:
        """Answer with a number."""
        self.send_response(202)
        self.end_headers()
        self.wfile.write(b'{"cluster": "sip-east", "look": "requested", "number": 7}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def seconds_of(code: str, arguments: list[str]) -> float:
    """Return how long a run of Python takes."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - began


def main() -> int:
    """Measure; return the exit status."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with HTTPServer(("127.0.0.1", 0), Remediator) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asked = ["reconcile", "sip-east", "--url", f"http://127.0.0.1:{server.server_port}"]
        taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(runs):  # side by side, so that a busy moment hits all alike
            for name, code in COMMANDS.items():
                taken[name].append(seconds_of(code, asked))
        server.shutdown()
    medians = {name: statistics.median(values) for name, values in taken.items()}
    for name, value in medians.items():
        ratio = value / medians["python"]
        print(f"{name:20}{value * 1000:8.1f} ms   {ratio:5.1f} x python")
    return 0


if __name__ == "__main__":
    sys.exit(main())
