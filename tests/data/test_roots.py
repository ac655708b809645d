"""The folders in which data sets and weights are searched."""

import os
from pathlib import Path

import pytest

from modelprint.data import data_roots, user_folder, weights_path
from modelprint.errors import DataError


def test_folders_are_looked_in_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of `MODELPRINT_DATA` come first, the user's own last."""
    monkeypatch.setenv("MODELPRINT_DATA", os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]))
    assert data_roots() == (tmp_path / "a", tmp_path / "b", user_folder())

    monkeypatch.delenv("MODELPRINT_DATA")
    assert data_roots() == (user_folder(),)


def test_weights_are_found_by_name(nowhere: Path) -> None:
    """With or without the ending; a missing name is answered with the names there are."""
    (nowhere / "weights").mkdir()
    (nowhere / "weights" / "small.safetensors").touch()

    assert weights_path("small") == weights_path("small.safetensors") == nowhere / "weights" / "small.safetensors"
    with pytest.raises(DataError, match=r"no weights called 'large': looked for large\.safetensors in .*are small"):
        weights_path("large")


@pytest.mark.parametrize("name", ["", "../secret", "a/b", "a\\b", ".hidden", "/etc/x"])
def test_a_weights_name_is_no_path(name: str, nowhere: Path) -> None:
    """Names that would leave the folder are refused."""
    with pytest.raises(DataError, match="is not the name of a weights file"):
        weights_path(name)
