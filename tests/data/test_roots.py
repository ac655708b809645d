"""The folders in which data sets and weights are searched."""

import os
from pathlib import Path

import pytest

from modelprint.data import data_roots, list_sets, load_data, roots, user_folder, weights_path
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


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home folder, as in a container with an unknown number."""

    def fail(*arguments: object, **options: object) -> str:
        raise RuntimeError("could not determine the home directory for '~/.local/share'")

    monkeypatch.setattr(roots, "user_data_dir", fail)


def test_a_user_without_a_home_has_the_named_folders(
    homeless: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own folder is an error only where it is needed."""
    monkeypatch.setenv("MODELPRINT_DATA", str(tmp_path))

    assert data_roots() == (tmp_path,)
    with pytest.raises(DataError, match="there is no home folder for your data: set HOME, or MODELPRINT_DATA"):
        user_folder()


def test_a_user_without_any_folder_still_has_the_digits(homeless: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are part of a library; what else is missing is said in one line that names HOME."""
    monkeypatch.delenv("MODELPRINT_DATA", raising=False)

    assert data_roots() == ()
    assert load_data("digits").image_shape == (1, 8, 8)
    assert {status.name for status in list_sets() if status.train_count} == {"digits"}
    for find in (lambda: load_data("cifar10"), lambda: weights_path("small")):
        with pytest.raises(DataError, match=r"looked for .* in no folder, as there is no home folder"):
            find()
