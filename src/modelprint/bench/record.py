"""The record of a run: what ran, on what, and what is missing. A versioned JSON file that other programs can read.

    record = read_record(Path("runs/smoke-smoke/record.json").read_text())
    print(record.target.accuracy, record.studies["detection"]["fingerprints"]["natural"]["samples"])

Each study has its own part under `studies`; its `record` module says what is in it. Version 1 is the first with a
number. Runs made before it have a `protocol.json`, which holds the same facts without the levels `version` and
`studies`; `read_old_record` makes a record of it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

VERSION = 1
"""Raised whenever a program that reads an older record could not read a new one."""

JsonObject = dict[str, Any]
"""What JSON calls an object."""

Model = TypeVar("Model")


@dataclass(frozen=True, kw_only=True)
class TargetRecord:
    """The target of a run.

    Attributes:
        name: A name in TARGETS.
        network: A name in NETWORKS.
        data: Name of the data set.
        model_sha256: Digest of its weights.
        data_sha256: Digest of the data set.
        class_count: Number of classes.
        train_images: Number of training images.
        test_images: Number of test images.
        accuracy: On the test images, 0 to 1; None where it was not measured.
    """

    name: str = ""
    network: str = ""
    data: str = ""
    model_sha256: str = ""
    data_sha256: str = ""
    class_count: int = 0
    train_images: int = 0
    test_images: int = 0
    accuracy: float | None = None


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What a run says about itself.

    Attributes:
        version: Of this format.
        plan: Name of the plan.
        scale: Name of the scale.
        title: Title of the plan.
        seed: Seed of the plan.
        command: The command that was called.
        executor: Name of the executor.
        target: What the suspects are made from; without digests until the run has looked at it.
        planned: Number of lines that the plan asks for, of all studies.
        studies: Name of a study -> its part of the record.
        problems: Why lines are missing, one sentence each.
        remarks: What else a person should know.
        versions: Of the programs that ran.
        created: When the run was begun, UTC.
    """

    version: int = VERSION
    plan: str
    scale: str
    title: str = ""
    seed: int = 0
    command: str = ""
    executor: str = ""
    target: TargetRecord = field(default_factory=TargetRecord)
    planned: int = 0
    studies: dict[str, JsonObject] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    created: str = ""

    def to_json(self) -> str:
        """Return the text of the file."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


_RECORD = TypeAdapter(RunRecord)


def read_record(text: str) -> RunRecord:
    """Return the record in a `record.json`; ValueError says what is wrong with it."""
    content = _json_object(text)
    version = content.get("version")
    if version != VERSION:
        raise ValueError(f"it has version {version!r} and this program reads version {VERSION}; use a newer modelprint")
    return validate(_RECORD.validate_json, content)


def read_old_record(text: str) -> RunRecord:
    """Return what a `protocol.json` says, as a record; ValueError says what is wrong with it."""
    content = _json_object(text)
    known = {name: content[name] for name in RunRecord.__dataclass_fields__ if name in content}
    detection = {name: content[name] for name in ("outputs", "ns", "bags", "fingerprints") if name in content}
    studies = {"detection": detection} | ({"ownership": content["ownership"]} if "ownership" in content else {})
    return validate(_RECORD.validate_json, {**known, "version": VERSION, "studies": studies})


def validate(read: Callable[..., Model], content: Mapping[str, Any]) -> Model:
    """Return what pydantic's `validate_json` makes of plain data; ValueError names the first entry that is wrong."""
    try:
        # By way of JSON, in which an array may become a tuple.
        return read(json.dumps(content), strict=True)
    except ValidationError as problem:
        raise ValueError(first_mistake(problem)) from None


def first_mistake(problem: ValidationError) -> str:
    """Return which entry is wrong first, and why."""
    first = problem.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def _json_object(text: str) -> JsonObject:
    content = json.loads(text, parse_int=_read_whole)
    if not isinstance(content, dict):
        raise ValueError("it is not a JSON object")
    return content


def _read_whole(text: str) -> int:
    number = int(text)
    if abs(number) >= 2**63:  # no fact is so large, and none could be divided by
        raise ValueError(f"it has a number of {len(text)} digits")
    return number
