"""What a run says about detection is read as it was written, under its old names too."""

import pytest

from modelprint.bench.detection.plan import RandomSubsets
from modelprint.bench.detection.record import DetectionRecord, read_detection_record, record_fingerprint


def test_facts_without_a_field_are_kept() -> None:
    """And the record comes back as it was."""
    facts = {"method": "ssf", "samples": 3, "rounds": 2, "notes": {"a": 1}}
    made = record_fingerprint(facts, seconds=1.5, file="samples/ssf.mprint", random_subsets=("0 1",))

    record = DetectionRecord(ns=(1, 5), random_subsets=RandomSubsets(size=4, draws=5), fingerprints={"ssf": made})

    assert (made.method, made.samples, made.more) == ("ssf", 3, {"rounds": 2})
    assert read_detection_record(record.to_json()) == record


def test_old_names_are_read() -> None:
    """Random subsets were called bags."""
    old = {"bags": {"size": 4, "draws": 5}, "fingerprints": {"ssf": {"bags": ["0 1"]}}}

    record = read_detection_record(old)

    assert record.random_subsets == RandomSubsets(size=4, draws=5)
    assert record.fingerprints["ssf"].random_subsets == ("0 1",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"ns": [0]}, r"^ns\.0: Input should be greater than or equal to 1"),
        ({"fingerprints": {"a": {"samples": "3"}}}, r"^fingerprints\.a\.samples: Input should be a valid integer"),
        ({"fingerprints": {"a": {"random_subsets": ["0,1"]}}}, r"^fingerprints\.a\.random_subsets\.0: String should"),
    ],
)
def test_a_wrong_entry_is_named(content: dict[str, object], said: str) -> None:
    """With its place."""
    with pytest.raises(ValueError, match=said):
        read_detection_record(content)
