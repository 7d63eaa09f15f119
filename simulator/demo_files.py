"""Edge: the files of the demonstration, made from what is shipped.

What is replaced in them is `demo_configs`'; here they are only found, read and written.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import Any

import yaml

from cluster.errors import ClusterError
from simulator import demo_configs
from simulator.demo_configs import ALERTMANAGER, PROMETHEUS, Addresses

PACKAGE = Path(__file__).resolve().parent
FOLDERS = ("rules", "templates")


def shipped(name: str) -> Path:
    """Return the path of a shipped file or folder, such as ``alertmanager/prometheus.yml``.

    In a checkout it stands beside the package, in an installed package in ``shipped``. Raises
    `ClusterError` if it is in neither.
    """
    for place in (PACKAGE / "shipped", PACKAGE.parent):
        if (place / name).exists():
            return place / name
    raise ClusterError(name, "is not among the shipped files", "install sipnlb again")


def copy_folders(directory: Path) -> None:
    """Copy the shipped folders that the configurations name by relative paths, unchanged."""
    for folder in FOLDERS:
        source = shipped("alertmanager") / folder
        if source.is_dir():
            shutil.copytree(source, directory / folder)


def write_token(directory: Path) -> Path:
    """Make the remediator's bearer token; return its file, readable by its owner alone."""
    file = directory / "remediator-token"
    file.touch(mode=0o600)
    file.write_text(secrets.token_urlsafe(32) + "\n", "utf-8")
    return file


def write_prometheus(directory: Path, at: Addresses) -> Path:
    """Write Prometheus's configuration; return its path."""
    document = _load(PROMETHEUS)
    demo_configs.redirect_prometheus(document, at)
    return _dump(document, directory / "prometheus.yml")


def write_alertmanager(directory: Path, at: Addresses, token: Path) -> Path:
    """Write Alertmanager's configuration; return its path. Nothing of it leaves loopback."""
    document = _load(ALERTMANAGER)
    demo_configs.redirect_alertmanager(document, at, token)
    return _dump(document, directory / "alertmanager.yml")


def _load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(shipped(name).read_text("utf-8"))
    return document


def _dump(document: dict[str, Any], file: Path) -> Path:
    text = "# Made by sipnlb-simulator from the shipped file; only addresses and times differ.\n"
    file.write_text(text + yaml.safe_dump(document, sort_keys=False), "utf-8")
    return file
