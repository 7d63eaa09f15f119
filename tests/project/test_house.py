"""The rules of the house, held against the code: who may import, run and change what."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cluster", "exporter", "remediator", "simulator")
PURE = tuple((ROOT / "tests" / "pure_modules.txt").read_text("utf-8").split())
# fmt: off
ALLOWED_IN_PURE = frozenset({
    "__future__", "ast", "base64", "codecs", "collections", "dataclasses", "datetime", "difflib",
    "enum", "functools", "hashlib", "html", "ipaddress", "itertools", "jinja2", "json", "math",
    "operator", "pathlib.Pure", "prometheus_client", "pydantic", "pydantic_core", "re", "re2", "shlex", "sqlalchemy", "string",
    "textwrap", "threading", "typing", "urllib.parse", "xml.etree.ElementTree", "xml.parsers", "yaml",
})
# fmt: on
WITHOUT_IO = frozenset({"cluster/clock.py", "cluster/nlb/phrases.py"})
"""Edge modules of which pure ones use only the types (Instant, Deadline, Phrases)."""


def sources() -> Iterator[Path]:
    """Yield every source file of the products."""
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports, outside of TYPE_CHECKING blocks."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            pure = all(alias.name.startswith("Pure") for alias in node.names)
            yield "pathlib.Pure" if node.module == "pathlib" and pure else node.module
            for alias in node.names:
                if (ROOT / node.module.replace(".", "/") / f"{alias.name}.py").exists():
                    yield f"{node.module}.{alias.name}"


def own_file(module: str) -> str | None:
    """Return the file of one of our modules, None if it is not ours or a package."""
    file = module.replace(".", "/") + ".py"
    return file if (ROOT / file).exists() else None


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_imports_nothing_that_reaches_the_world(name: str) -> None:
    """Pure modules use pure modules and libraries without I/O, nothing else."""
    foreign = []
    for module in imports(ROOT / name):
        ours = own_file(module)
        is_ours = module.split(".")[0] in PACKAGES
        if is_ours and (ours is None or ours in PURE or ours in WITHOUT_IO):
            continue
        if not is_ours and (module in ALLOWED_IN_PURE or module.split(".")[0] in ALLOWED_IN_PURE):
            continue
        foreign.append(module)

    assert foreign == []


def test_every_module_that_calls_itself_pure_is_held_to_it() -> None:
    """A docstring that says "Pure" puts the module on the list."""
    said = {
        str(file.relative_to(ROOT))
        for file in sources()
        if file.parts[len(ROOT.parts)] != "simulator"
        and (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "")
        .split("\n\n")[0]
        .count("Pure")
    }

    assert set() == said - set(PURE)


def users_of(*names: str) -> set[str]:
    """Return the files that use a name as `X.name`, `name(...)` or import it."""
    found = set()
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            text = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Call) else ""
            if text in names or any(text.startswith(f"{name}(") for name in names):
                found.add(str(file.relative_to(ROOT)))
    return found


def test_only_switch_makes_a_request_that_changes_a_port() -> None:
    """The permit and the changing verbs are used in one file of the products."""
    assert {"remediator/switch.py"} == users_of("Permit()")
    assert {"cluster/runners/request.py", "remediator/switch.py"} == users_of(
        "Verb.ENABLE", "Verb.DISABLE"
    )


def test_only_one_module_starts_programs_and_never_through_a_shell() -> None:
    """Subprocess stands in cluster/programs.py alone; no other door to a shell is used."""
    users = {str(f.relative_to(ROOT)) for f in sources() if "subprocess" in set(imports(f))}
    text = (ROOT / "cluster" / "programs.py").read_text("utf-8")

    assert {"cluster/programs.py"} == users
    assert "shell=" not in text
    assert set() == users_of("os.system", "os.popen", "os.execv", "os.execvp", "os.spawnv", "eval")


def test_the_imports_point_one_way() -> None:
    """The contracts of pyproject.toml are kept."""
    linter = Path(sys.executable).with_name("lint-imports")
    ended = subprocess.run(
        [linter, "--no-cache"], capture_output=True, text=True, cwd=ROOT, check=False
    )

    assert ended.returncode == 0, ended.stdout


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    """A file over 350 lines has two jobs."""
    long = {
        str(file.relative_to(ROOT)): lines
        for file in sources()
        if (lines := len(file.read_text("utf-8").splitlines())) > 350
    }

    assert long == {}


def test_each_dependency_has_its_reason() -> None:
    """DECISIONS.md names every library that an installation brings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [each for names in project["optional-dependencies"].values() for each in names]
    names = [each.split(">")[0].split(";")[0].strip() for each in project["dependencies"] + extras]
    decisions = (ROOT / "DECISIONS.md").read_text("utf-8")

    assert [name for name in names if f"| {name} |" not in decisions] == []


def test_the_wheel_holds_the_four_packages_and_what_the_demo_ships(tmp_path: Path) -> None:
    """What is installed is what was tested: four packages, rules and dashboards beside them."""
    builder = Path(sys.executable).with_name("hatchling")
    subprocess.run(
        [builder, "build", "--target", "wheel", "--directory", str(tmp_path)],
        check=True,
        capture_output=True,
        cwd=ROOT,
    )
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()

    top = {name.split("/")[0] for name in names}
    assert set(PACKAGES) == {name for name in top if not name.endswith(".dist-info")}
    for file in (
        "cluster/nlb/phrases.yml",
        "cluster/nlb/windows/Get-SipNlb.ps1",
        "remediator/windows/ActionNumber.ps1",
        "remediator/windows/Set-SipNlbPort.ps1",
        "simulator/shipped/alertmanager/rules/sipnlb.yml",
        "simulator/shipped/alertmanager/alertmanager.yml",
        "simulator/shipped/grafana/dashboards/sipnlb.json",
    ):
        assert file in names
