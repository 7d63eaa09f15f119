"""Edge: reads ``clusters.yml`` and secret files. Refuses, all problems at once, with places.

A configuration is loaded whole or not at all.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cluster import strict_yaml
from cluster.config_checks import contradictions
from cluster.config_model import Config
from cluster.errors import ClusterError, ConfigError, ConfigProblem

MAX_BYTES = 16 * 1024 * 1024
NO_VALUE = "has no value", "write one; clusters.example.yml shows what may stand there"


def load(file: Path) -> Config:
    """Read and check a configuration file.

    Raises `ConfigError` with every problem found; `ClusterError` if the file cannot be read.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ClusterError(
            str(file), f"cannot be read: {error.strerror}", "name it with --config.file"
        ) from error
    if len(raw) > MAX_BYTES:
        raise ClusterError(str(file), f"is larger than {MAX_BYTES} bytes", "is it the right file?")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(
            str(file), (ConfigProblem(line, "", "not UTF-8 text", "save the file as UTF-8"),)
        ) from error
    return parse(text, str(file), file.absolute().parent)


def parse(text: str, file: str, folder: Path | None = None) -> Config:
    """Check the text of a configuration; `file` is only named in errors.

    folder: where relative paths of files to read begin; None to leave them as they are.
    """
    document = strict_yaml.parse(text)
    problems = list(document.problems)
    if document.data is None and not problems:
        problems.append(ConfigProblem(None, "", "the file is empty", "begin with 'clusters:'"))
    config: Config | None = None
    if document.data is not None:
        try:
            config = Config.model_validate(document.data, context={"folder": folder})
        except ValidationError as error:
            refused = {problem.path for problem in problems}
            problems += [
                problem for problem in explain(error, document) if problem.path not in refused
            ]
        else:
            problems += contradictions(config, document)
    if problems or config is None:
        raise ConfigError(file, tuple(sorted(problems, key=lambda p: (p.line or 0, p.path))))
    return config


def read_secret(file: str) -> str:
    """Return the first line of a secret file, without its line end.

    Raises `ClusterError` that names the file, never its content.
    """
    try:
        text = Path(file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ClusterError(
            file, f"the secret file cannot be read: {why}", "check path and rights"
        ) from error
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise ClusterError(file, "the secret file is empty", "put the secret on its first line")
    return lines[0].strip()


def explain(
    error: ValidationError, document: strict_yaml.Document, root: type[BaseModel] = Config
) -> Iterator[ConfigProblem]:
    """Turn pydantic's findings into problems with places and hints. root: what was validated."""
    findings = error.errors(include_url=False)
    for finding in findings:
        path = _path(finding, document)
        if finding["type"] == "too_short" and any(
            other["loc"][: len(path)] == path and other is not finding for other in findings
        ):
            continue  # it counts only sound items; what is unsound in them is reported itself
        problem, hint = NO_VALUE if finding["input"] is None else _words(finding, path, root)
        yield ConfigProblem(document.line_of(path), strict_yaml.path_text(path), problem, hint)


def _path(finding: ErrorDetails, document: strict_yaml.Document) -> strict_yaml.Path:
    """Return where a finding is, without the names of the section kinds that pydantic puts in.

    Below a section whose ``type`` chose its kind, pydantic writes that kind into the path.
    """
    path: list[str | int] = []
    here: Any = document.data
    chosen = False
    for part in finding["loc"]:
        if not chosen and isinstance(here, dict) and part == here.get("type"):
            chosen = True
            continue
        chosen = False
        path.append(part)
        within = isinstance(here, dict) or (isinstance(here, tuple) and isinstance(part, int))
        here = here.get(part) if isinstance(here, dict) else here[part] if within else None
    if finding["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        path.append("type")
    return tuple(path)


def _words(finding: ErrorDetails, path: strict_yaml.Path, root: type[BaseModel]) -> tuple[str, str]:
    """Say one finding of pydantic's as problem and hint."""
    given, context = finding["input"], finding.get("ctx", {})
    match finding["type"]:
        case "extra_forbidden":
            words = "unknown key", _nearest(str(path[-1]), _keys_at(root, finding["loc"][:-1]))
        case "model_type" | "model_attributes_type":
            words = "is not a set of keys", "write 'key: value' lines, indented alike"
        case "union_tag_invalid":
            words = f"{context['tag']!r} is not one of {context['expected_tags']}", ""
        case "missing" | "union_tag_not_found":
            words = "this key is missing", _sketch(str(path[-1]), finding["loc"], root)
        case "value_error":
            words = str(context["error"]), ""
        case "literal_error":
            words = f"{given!r} is not one of {context['expected']}", ""
        case "too_short":
            words = f"needs at least {context['min_length']}", "add what is missing"
        case "string_pattern_mismatch":
            words = f"{given!r} is not usable here", f"it must match {context['pattern']}"
        case "string_type" if isinstance(given, bool | int | float):
            words = f"{given!r} is not a text", f'write "{given}" in quotes'
        case _:
            must = "must be " + finding["msg"].removeprefix("Input should be ")
            words = must, "" if isinstance(given, dict | tuple) else f"here is {given!r}"
    return words


def _keys_at(root: type[BaseModel], location: strict_yaml.Path) -> list[str]:
    """Return the keys that may stand at a location of pydantic's; empty where it leads nowhere."""
    models = _models_at(root, location)
    return list(models[0].model_fields) if models else []


def _models_at(root: type[BaseModel], location: strict_yaml.Path) -> list[type[BaseModel]]:
    """Return the kinds of section that may stand at a location of pydantic's."""
    models: list[type[BaseModel]] = [root]
    for part in location:
        if isinstance(part, int):
            continue
        chosen = [model for model in models if _kind_of(model) == part]
        fields = [model.model_fields[part] for model in models if part in model.model_fields]
        if not chosen and not fields:
            return []
        models = chosen or _models_in(fields[0].annotation)
    return models


def _sketch(key: str, location: strict_yaml.Path, root: type[BaseModel]) -> str:
    """Say what to add; of a section that has kinds, how each begins."""
    kinds = []
    for model in _models_at(root, location):
        kind = _kind_of(model)
        if kind is not None:
            needed = [name for name, field in model.model_fields.items() if field.is_required()]
            keys = (f"{name}: {kind if name == 'type' else '…'}" for name in needed)
            kinds.append("{" + ", ".join(keys) + "}")
    return f"add it: {' or '.join(kinds)}" if key != "type" and kinds else "add it"


def _kind_of(model: type[BaseModel]) -> str | None:
    """Return the ``type`` that chooses a section among others, None for one without."""
    kind = model.model_fields.get("type")
    return get_args(kind.annotation)[0] if kind else None


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "known here: " + ", ".join(known)
