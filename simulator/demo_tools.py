"""Edge: finds Prometheus and Alertmanager, and makes an unpacked Alertmanager run.

They are only looked for; nothing is fetched or installed here.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import ClusterError

TOOLS = Path(__file__).resolve().parent.parent / ".tools" / "root" / "usr" / "bin"
"""Where a checkout keeps Debian's packages unpacked."""
NAMES = {
    "prometheus": ("prometheus",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
}
# Debian's Alertmanager has no templates built in and reads them from this folder (observed:
# Debian 0.25.0-1). Without its first and with a last slash the name is as long, and relative.
TEMPLATES = b"/usr/share/prometheus/alertmanager"
RELATIVE_TEMPLATES = TEMPLATES[1:] + b"/"
TEMPLATE_FILE = "default.tmpl"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program to start. folder: the working directory it needs, None where any will do."""

    program: Path
    folder: Path | None = None


def find(kind: str, tools: Path = TOOLS) -> Path:
    """Return the path of ``prometheus`` or ``alertmanager``: from PATH, else from `tools`.

    Raises `ClusterError` that says what to install.
    """
    for name in NAMES[kind]:
        found = shutil.which(name) or shutil.which(name, path=str(tools))
        if found:
            return Path(found).resolve()
    raise ClusterError(
        kind, f"{' or '.join(NAMES[kind])} is not in PATH",
        "install the Debian packages prometheus and prometheus-alertmanager, or run 'make demo'",
    )


def runnable_alertmanager(program: Path, directory: Path, installed: Path = Path("/")) -> Tool:
    """Return how to start Alertmanager from where it stands.

    A Debian package that is unpacked, not installed, does not find its templates: then a copy
    in `directory` looks for them in the unpacked package. installed: root of the system.
    """
    relative = TEMPLATES.decode().lstrip("/")
    if (installed / relative / TEMPLATE_FILE).exists():
        return Tool(program)
    root = program.parent.parent.parent
    if not (root / relative / TEMPLATE_FILE).exists():
        return Tool(program)
    content = program.read_bytes()
    if TEMPLATES not in content:
        return Tool(program)
    copy = directory / "unpacked-alertmanager"
    copy.write_bytes(content.replace(TEMPLATES, RELATIVE_TEMPLATES))
    copy.chmod(0o700)
    return Tool(copy, root)
