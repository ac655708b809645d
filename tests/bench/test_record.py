"""The record of a run is read back as it was written; one of an earlier format becomes one of today's."""

import json
from dataclasses import replace

import pytest

from modelprint.bench.record import VERSION, RunRecord, TargetRecord, read_old_record, read_record

RECORD = RunRecord(
    plan="tiny",
    scale="smoke",
    seed=7,
    target=TargetRecord(name="digits", network="digits", data="digits", class_count=10, accuracy=0.5),
    planned=3,
    studies={"detection": {"ns": [1, 5]}},
    problems=("one",),
    versions={"torch": "2"},
)

OLD = {
    "plan": "tiny",
    "scale": "smoke",
    "title": "A test",
    "seed": 7,
    "executor": "serial",
    "target": {"name": "digits", "model_sha256": "a" * 64, "accuracy": 0.5},
    "planned": 3,
    "outputs": ["top-3"],
    "ns": [],
    "bags": {"size": 4, "draws": 5},
    "fingerprints": {"natural": {"method": "natural", "bags": ["0 1"]}},
    "ownership": {"alpha": 0.05},
    "problems": ["one"],
    "remarks": [],
    "versions": {"torch": "2"},
    "created": "2026-01-31T12:00:00Z",
}
"""A protocol.json, as runs wrote it before records had a version."""


def test_a_record_comes_back_as_it_was() -> None:
    """With its version in the text."""
    text = RECORD.to_json()

    assert json.loads(text)["version"] == VERSION
    assert read_record(text) == RECORD


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "it is not a JSON object"),
        ("{}", "it has version None and this program reads version 1"),
        (replace(RECORD, version=2).to_json(), "it has version 2 and this program reads version 1; use a newer"),
        (json.dumps({"version": 1, "plan": "tiny"}), "scale: Field required"),
        (RECORD.to_json().replace('"planned": 3', '"planned": "3"'), "planned: Input should be a valid integer"),
    ],
)
def test_what_is_no_record_is_refused(content: str, said: str) -> None:
    """The first entry that is wrong is named."""
    with pytest.raises(ValueError, match=said):
        read_record(content)


def test_an_old_record_is_read() -> None:
    """What is about one study moves to its part."""
    record = read_old_record(json.dumps(OLD))

    assert (record.version, record.plan, record.target.accuracy, record.problems) == (VERSION, "tiny", 0.5, ("one",))
    assert record.studies["detection"]["fingerprints"] == OLD["fingerprints"]
    assert record.studies["detection"]["bags"] == OLD["bags"]
    assert record.studies["ownership"] == OLD["ownership"]
