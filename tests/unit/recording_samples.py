"""Makes a recording as ``exporter/windows/record.ps1`` writes it, of a simulated host.

``python -m tests.unit.recording_samples`` writes the file that is shipped. It proves nothing of
Windows: its wordings are the simulator's own.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from cluster.nlb.cim_dialect import DEFAULT_SCRIPTS, READ_SCRIPT, START
from exporter.recording import DUMPS, FORMAT, VERSION
from simulator.cim_tool import CimTool
from simulator.description import SiteDescription, usual_cluster
from simulator.knobs import quick
from simulator.nlb_tool import NlbTool, ToolAnswer
from simulator.tool_text import ToolProfile
from simulator.world import World

FILE = Path(__file__).parents[1] / "data" / "recordings" / "simulated.json"
BEGAN = datetime(2031, 2, 3, 4, 5, 6)  # noqa: DTZ001 # what the host's own clock shows
HOST, PORT = "sip-east-1", "5060"


def simulated_recording() -> dict[str, Any]:
    """Return the recording."""
    world = World(SiteDescription((usual_cluster(0),), quick()))
    world.advance(9.0)
    tool, cim = NlbTool(world, ToolProfile(), BEGAN), CimTool(world, BEGAN)

    def asked(name: str, *arguments: str) -> dict[str, Any]:
        return _capture(name, arguments, tool.call("sip-east", HOST, name, arguments))

    script = (*START, f"{DEFAULT_SCRIPTS}\\{READ_SCRIPT}")
    read_out = cim.call("sip-east", HOST, "powershell", script)
    reads = (("query",), ("queryport", PORT), ("queryport", "1"), ("params",))
    captures = [asked(name, *each) for name in ("nlb", "wlbs") for each in reads]
    captures.append(_capture(READ_SCRIPT, (), read_out))
    captures += [asked(name, "ip2mac", "10.0.0.100") for name in ("nlb", "wlbs")]
    for action in ("enable", "disable", "drain"):
        for _ in range(2):
            captures += [asked("nlb", action, PORT), asked("nlb", "queryport", PORT)]
    captures += [asked("nlb", "enable", PORT), asked("nlb", "queryport", PORT)]
    told = json.loads(read_out.output)
    return {
        "format": FORMAT,
        "version": VERSION,
        "simulated": True,
        "note": "converged; simulated output, which says nothing of Windows",
        "recorded": "2031-02-03T04:05:06.7890000Z",
        "host": {
            "windows": "sipnlb-simulator",
            "build": "0",
            "nlb_version": None,
            "powershell": "0",
            "ui_culture": "en-US",
            "culture": "en-US",
            "code_page": 437,
            "elevated": True,
        },
        "captures": captures,
        "cim": [
            {"class": DUMPS[name], "milliseconds": 0, "error": None, "instances": told[name]}
            for name in DUMPS
        ],
        "events": [],
    }


def _capture(program: str, arguments: tuple[str, ...], answer: ToolAnswer) -> dict[str, Any]:
    return {
        "program": program,
        "arguments": list(arguments),
        "exit_code": answer.exit_status,
        "milliseconds": 0,
        "timed_out": False,
        "error": None,
        "stdout": base64.b64encode(answer.output).decode(),
        "stderr": "",
    }


def written() -> str:
    """Return the file's text."""
    return json.dumps(simulated_recording(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(written(), "utf-8")
