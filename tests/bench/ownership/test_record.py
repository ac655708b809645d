"""What a run says about ownership is read as it was written."""

import pytest

from modelprint.bench.ownership.record import ExamplesRecord, OwnershipRecord, read_ownership_record


def test_a_record_comes_back_as_it_was() -> None:
    """C-examples and other inputs."""
    record = OwnershipRecord(
        alpha=0.2,
        sibling="digits-2",
        examples={"vanilla": ExamplesRecord(settings={"steps": 3}, asked=5, examples=4)},
        made={"border points": {"points": 3}},
    )

    assert read_ownership_record(record.to_json()) == record


def test_a_wrong_entry_is_named() -> None:
    """With its place; nothing at all is a record with the usual error rates."""
    with pytest.raises(ValueError, match=r"^examples\.vanilla\.asked: Input should be a valid integer"):
        read_ownership_record({"examples": {"vanilla": {"asked": "many"}}})
    assert (read_ownership_record({}).alpha, read_ownership_record({}).beta) == (0.05, 0.1)
