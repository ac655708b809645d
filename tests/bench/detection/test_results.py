"""Results about detection are read from the folder of a run."""

from pathlib import Path

import pytest

from modelprint.bench.contents import RunContents
from modelprint.bench.detection.results import read_results
from modelprint.bench.record import JsonObject, RunRecord, TargetRecord

SEALED = Path(__file__).parents[2] / "golden" / "format-1.mprint"


def contents(folder: Path | None, part: JsonObject, **others: str) -> RunContents:
    """Return the contents of a run that says this about detection."""
    record = RunRecord(plan="p", scale="smoke", studies={"detection": part}, target=TargetRecord(**others))
    return RunContents(record=record, folder=folder)


def test_sealed_fingerprints_are_opened_inside_the_folder_alone(tmp_path: Path) -> None:
    """What cannot be opened is a problem, without the place of the folder; floats have no file."""
    (tmp_path / "good.mprint").write_bytes(SEALED.read_bytes())
    files = {"good": "good.mprint", "outside": "../x.mprint", "missing": "missing.mprint", "floats": ""}

    results = read_results(contents(tmp_path, {"fingerprints": {name: {"file": file} for name, file in files.items()}}))

    assert list(results.fingerprints) == ["good"]
    assert results.problems[0] == "fingerprint outside: ../x.mprint lies outside the folder and was not opened"
    assert results.problems[1].startswith("fingerprint missing: ") and str(tmp_path) not in results.problems[1]
    assert results.order == ("good", "outside", "missing", "floats")


def test_forms_that_are_not_known_are_left_out() -> None:
    """A later program may have more of them."""
    assert read_results(contents(None, {"outputs": ["top-9", "top-3"]})).outputs == ("top-3",)


def test_the_table_of_the_paper_follows_from_the_data() -> None:
    """Or there is none."""
    found = read_results(contents(None, {}, data="cifar10")).published

    assert found is not None and found.data == "cifar10"
    assert read_results(contents(None, {}, data="digits")).published is None


def test_a_damaged_part_of_the_record_is_refused() -> None:
    """By its first entry that is wrong."""
    with pytest.raises(ValueError, match=r"^fingerprints: "):
        read_results(contents(None, {"fingerprints": 3}))
