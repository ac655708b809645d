"""inspect and export show what a file holds."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted(GOLDEN.glob("*.mprint"))


def test_there_are_golden_files() -> None:
    """Of both kinds."""
    assert len(FILES) >= 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_golden_file_is_inspected(command: Any, path: Path) -> None:
    """As text and as JSON, with the same digest."""
    text, record = command("inspect", path), command("inspect", path, "--json")

    assert (text.code, record.code) == (0, 0)
    assert json.loads(record.out)["digest"] in text.out


def test_a_folder_with_files_is_not_written_into_unasked(command: Any, tmp_path: Path) -> None:
    """With --force it is; the pictures are those of the file."""
    (tmp_path / "notes.txt").write_text("mine")

    refused = command("export", GOLDEN / "format-1.mprint", "--to", tmp_path)
    written = command("export", GOLDEN / "format-1.mprint", "--to", tmp_path, "--force")

    assert refused.code == 2
    assert "is not an empty folder" in refused.err
    assert written.code == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "notes.txt",
        "labels.csv",
        *(f"{index:04d}.png" for index in range(5)),
    }
    assert (tmp_path / "labels.csv").read_text().splitlines()[:2] == ["file,label,margin", "0000.png,zero,0.001"]


def test_an_export_replaces_regular_files_only(command: Any, tmp_path: Path) -> None:
    """Also with --force; one line names the file."""
    os.mkfifo(tmp_path / "0001.png")

    done = command("export", GOLDEN / "format-1.mprint", "--to", tmp_path, "--force")

    assert done.code == 2
    assert done.err == f"error: {tmp_path / '0001.png'}: is not a regular file and is not replaced\n"
