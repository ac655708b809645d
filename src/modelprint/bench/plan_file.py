"""The file of a plan: TOML, of which each key belongs to the plan itself or to one study.

Every key is checked before any work: a mistake is one line that names it.
"""

import json
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from modelprint.bench.plan import SCALES, Plan, PlanScale, at_scale, check
from modelprint.bench.studies import STUDIES

SIZE_LIMIT = 2**20
"""Bytes; a longer file is no plan."""

PARTS = "parts"
"""Field of plans and scales that is filled by the studies and is not a key of the file."""

Model = TypeVar("Model")


def read_plan(path: Path) -> Plan:
    """Read and check a plan, at all of its scales.

    Raises:
        ValueError: The file cannot be used; one line names the key and says why.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ValueError(f"{path}: is not a regular file")  # opening a FIFO would wait for its writer
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
        if len(content) > SIZE_LIMIT:
            raise ValueError(f"longer than {SIZE_LIMIT} bytes, which is no plan")
        plan = parse_plan(content.decode("utf-8"))
    except OSError as problem:
        raise ValueError(f"{path}: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a UTF-8 text") from None
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from None
    return plan


def parse_plan(text: str) -> Plan:
    """Return the plan in `text`, checked at all of its scales; ValueError as in `read_plan`, without the path."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"not readable as TOML: {problem}") from None
    scales = document.pop("scales", {})
    if not isinstance(scales, dict) or not all(isinstance(table, dict) for table in scales.values()):
        raise ValueError("scales: each scale is a table, such as [scales.small]")
    parts = {name: _validate(study.plan_part, _take_keys(document, study.plan_part)) for name, study in STUDIES.items()}
    plan = _validate(Plan, document)
    plan = replace(plan, parts=parts, scales={name: _parse_scale(name, table) for name, table in scales.items()})
    check(plan)
    for scale in plan.scales:
        try:
            check(at_scale(plan, scale))
        except ValueError as problem:
            raise ValueError(f"at scale {scale}: {problem}") from None
    return plan


def _parse_scale(name: str, table: dict[str, Any]) -> PlanScale:
    place = f"scales.{name}"
    if name not in SCALES:
        raise ValueError(f"{place}: a scale is one of {', '.join(SCALES)}, got {name!r}")
    parts = {
        key: _validate(study.scale_part, own, place)
        for key, study in STUDIES.items()
        if (own := _take_keys(table, study.scale_part))
    }
    return replace(_validate(PlanScale, table, place), parts=parts)


def _take_keys(document: dict[str, Any], part: type) -> dict[str, Any]:
    """Take the keys of a study out of a document."""
    names = [alias for field in fields(part) for alias in getattr(part, "ALIASES", {}).get(field.name, (field.name,))]
    return {name: document.pop(name) for name in names if name in document}


def _validate(model: type[Model], document: dict[str, Any], place: str = "") -> Model:
    if PARTS in document:
        raise ValueError(f"{_join(place, PARTS)}: there is no such key")
    try:
        # By way of JSON, whose strict reading knows that an array may become a tuple.
        return TypeAdapter(model).validate_json(json.dumps(document, default=str))
    except ValidationError as problem:
        raise ValueError(_error_line(problem, place)) from None


def _error_line(problem: ValidationError, place: str) -> str:
    """Say where the first of the mistakes is and what it is."""
    mistakes = problem.errors(include_url=False, include_context=False)
    first = mistakes[0]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    message = first["msg"][:1].lower() + first["msg"][1:]
    if first["type"] == "unexpected_keyword_argument":
        message = "there is no such key"
    elif first["type"] == "missing":
        message = "it is needed and missing"
    elif not isinstance(first["input"], dict | list):
        message = f"{message}, got {first['input']!r}"
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    return f"{_join(place, key)}: {message}{more}"


def _join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key
