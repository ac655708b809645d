"""Long work: state that is saved, found again, and never taken for that of other work."""

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from torch import Tensor

from modelprint import work as module
from modelprint.work import Work, save_tensors


def test_what_is_saved_is_found_again(tmp_path: Path) -> None:
    """Under its name, by work of the same identity."""
    work = Work(folder=tmp_path, identity="one")
    work.save("state", {"rows": torch.arange(3)})

    found = Work(folder=tmp_path, identity="one").resume("state")

    assert found["rows"].tolist() == [0, 1, 2]
    assert work.resume("other") == {}


def test_state_of_another_identity_is_ignored(tmp_path: Path) -> None:
    """So is a damaged file; without a folder nothing is saved."""
    Work(folder=tmp_path, identity="one").save("state", {"rows": torch.arange(3)})

    assert Work(folder=tmp_path, identity="two").resume("state") == {}
    (tmp_path / "state.safetensors").write_bytes(b"damaged")
    assert Work(folder=tmp_path, identity="one").resume("state") == {}
    nowhere = Work(identity="one")
    nowhere.save("state", {"rows": torch.arange(3)})
    assert nowhere.resume("state") == {}


def test_facts_make_another_identity() -> None:
    """Equal facts the same one, others another, and their order counts."""
    work = Work(identity="one")

    identities = [work.bind_to(*facts).identity for facts in ((1, "a"), (1, "a"), ("a", 1), (1,))]

    assert identities[0] == identities[1]
    assert len({"one", *identities}) == 4


def test_rows_are_made_once_across_an_interruption(tmp_path: Path) -> None:
    """Five rows; the fourth fails the first time, and the three before it are not made again."""
    made: list[int] = []
    seen: list[tuple[int, int]] = []

    def make(row: int) -> Tensor:
        made.append(row)
        if made == [0, 1, 2, 3]:
            raise KeyboardInterrupt
        return torch.tensor([10 * row])

    def report(phase: str, done: int, total: int) -> None:
        seen.append((done, total))

    with pytest.raises(KeyboardInterrupt):
        Work(folder=tmp_path).make_rows("rows", 5, make, "making")
    rows = Work(folder=tmp_path, progress=report).make_rows("rows", 5, make, "making")

    assert rows.tolist() == [0, 10, 20, 30, 40]
    assert made == [0, 1, 2, 3, 3, 4]
    assert seen == [(3, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize(
    "message",
    [
        "Error while serializing: I/O error: No space left on device (os error 28)",
        'Error while serializing: I/O error: Os { code: 28, kind: StorageFull, message: "No space left on device" }',
    ],
)
def test_a_full_disk_is_an_error_of_the_system_with_the_path(
    message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both spellings of safetensors; the draft is gone and the rows that were saved before stay."""
    Work(folder=tmp_path).save("rows", {"rows": torch.arange(2)})

    def full(*arguments: Any, **options: Any) -> None:
        raise SafetensorError(message)

    monkeypatch.setattr(module, "save_file", full)

    with pytest.raises(OSError, match="No space left on device") as caught:
        Work(folder=tmp_path).save("rows", {"rows": torch.arange(3)})
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "rows.safetensors"))
    assert [path.name for path in tmp_path.iterdir()] == ["rows.safetensors"]
    assert Work(folder=tmp_path).resume("rows")["rows"].tolist() == [0, 1]


def test_another_reason_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What gives no number of the system is an OSError all the same."""

    def refuse(*arguments: Any, **options: Any) -> None:
        raise SafetensorError("no such type")

    monkeypatch.setattr(module, "save_file", refuse)

    with pytest.raises(OSError, match=r"a\.safetensors could not be written: no such type"):
        save_tensors({"rows": torch.arange(3)}, tmp_path / "a.safetensors")
