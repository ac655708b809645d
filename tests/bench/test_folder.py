"""The folder of a run belongs to one plan at one scale."""

from pathlib import Path
from typing import Any

import pytest

from modelprint.bench.folder import RunFolder
from modelprint.errors import BenchError


def test_a_folder_belongs_to_one_plan_and_scale(
    whole: RunFolder, run_tiny: Any, tiny_plan: str, tmp_path: Path
) -> None:
    """Another plan is refused, and so is a folder of other things."""
    with pytest.raises(BenchError, match="holds a run of plan tiny at scale laptop; name another --output"):
        run_tiny(whole.path, text=tiny_plan.replace('"tiny"', '"other"'))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    with pytest.raises(BenchError, match="is no folder of a run; name an empty one"):
        run_tiny(tmp_path / "home")
    whole.record.write_text("{")
    with pytest.raises(BenchError, match=r"record.json is damaged"):
        run_tiny(whole.path)


def test_timings_of_any_kind_count_for_nothing(tmp_path: Path) -> None:
    """A number beyond floats, deep nesting, another type."""
    lines = ['{"key": "a", "seconds": 2}', '{"key": "b", "seconds": 1' + "0" * 400 + "}", "[" * 100_000, "[]", "{"]
    (tmp_path / "timings.jsonl").write_text("\n".join(lines) + "\n")

    assert RunFolder(tmp_path).read_timings() == {"a": 2.0}
