"""Edge: finds Prometheus and Alertmanager.

They are only looked for; nothing is fetched or installed here.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from cluster.errors import ClusterError

TOOLS = Path(__file__).resolve().parent.parent / ".tools" / "bin"
"""Where a checkout keeps what ``make setup`` unpacked from Debian's packages."""
INSTALLED = Path("/usr")
NAMES = {
    "prometheus": ("prometheus",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
}


def unpacked_pages(prometheus: Path) -> Path | None:
    """Return the folder of Prometheus's pages if Debian's package is only unpacked, else None.

    Debian's program looks for them in the folder where they are when it is installed.
    """
    below = prometheus.resolve().parent.parent
    pages = below / "share" / "prometheus" / "web"
    return pages if below != INSTALLED and pages.is_dir() else None


def find(kind: str, tools: Path = TOOLS) -> Path:
    """Return the path of ``prometheus`` or ``alertmanager``: from PATH, else from `tools`.

    Raises `ClusterError` that says what to install.
    """
    for name in NAMES[kind]:
        found = shutil.which(name) or shutil.which(name, path=str(tools))
        if found:
            return Path(found)
    raise ClusterError(
        kind,
        f"{' or '.join(NAMES[kind])} is not in PATH",
        "install the Debian packages prometheus and prometheus-alertmanager, or run 'make demo'",
    )
