"""Options that several commands share."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from modelprint.cli.options import check_choice, parse_normalisation, parse_shape, refuse_same_file, refuse_to_replace


@pytest.mark.parametrize(("text", "shape"), [("3,32,32", (3, 32, 32)), (" 1, 8 ,8", (1, 8, 8)), (None, None)])
def test_a_shape_is_three_numbers(text: str | None, shape: tuple[int, int, int] | None) -> None:
    """Blanks do not matter; no text is no shape."""
    assert parse_shape(text) == shape


@pytest.mark.parametrize("text", ["3,32", "3,32,32,1", "3,32,x", "3,-1,2", "3,32,3.0", "3,32,٣", ""])
def test_anything_else_is_no_shape(text: str) -> None:
    """The error shows how one is written."""
    with pytest.raises(ValueError, match="channels,height,width such as 3,32,32"):
        parse_shape(text)


def test_an_image_has_pixels() -> None:
    """Zero is a number, but no side."""
    with pytest.raises(ValueError, match="at least one channel and one pixel, got '3,0,32'"):
        parse_shape("3,0,32")


def test_a_normalisation_is_two_lists_of_numbers() -> None:
    """One number, or one for each channel; neither without the other."""
    assert parse_normalisation(None, None) is None
    assert parse_normalisation("0.5", "0.25") == ([0.5], [0.25])
    assert parse_normalisation("0.1,0.2,0.3", "1, 2, 3") == ([0.1, 0.2, 0.3], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="--mean and --std go together"):
        parse_normalisation("0.5", None)
    with pytest.raises(ValueError, match="--std is one number, or one for each channel with commas, got 'x'"):
        parse_normalisation("0.5", "x")


def test_files_are_replaced_by_force_only_and_folders_never(tmp_path: Path) -> None:
    """A path that does not exist is always fine."""
    file = tmp_path / "a.mprint"
    refuse_to_replace(file, force=False)
    file.touch()

    refuse_to_replace(file, force=True)
    with pytest.raises(ValueError, match=r"a\.mprint exists already; .* --force"):
        refuse_to_replace(file, force=False)
    with pytest.raises(ValueError, match="is a folder; give a file"):
        refuse_to_replace(tmp_path, force=True)


def test_exactly_one_model_is_named() -> None:
    """None, two, and weights of no network are mistakes."""
    check_choice(None, None, "digits", Path("w"), "1,8,8")
    check_choice(Path("e.yaml"), None, None, None, None)

    with pytest.raises(ValueError, match="got none of them"):
        check_choice(None, None, None, None, None)
    with pytest.raises(ValueError, match="got --endpoint and --onnx"):
        check_choice(Path("e.yaml"), Path("m.onnx"), None, None, None)
    with pytest.raises(ValueError, match="belong to --network"):
        check_choice(Path("e.yaml"), None, None, Path("w"), None)


FACTORY = "--network exits_at_import:make --image-shape 3,32,32"


@pytest.mark.parametrize(
    "line",
    [
        f"generate {FACTORY} --data cifar10 --output new.mprint",
        f"tamper {FACTORY} --data cifar10 --kind flip-sign --output new.safetensors",
        f"own seal {FACTORY} --data cifar10 --output new.mprint",
        f"own check own.mprint {FACTORY}",
        f"verify r20.mprint {FACTORY}",
        f"detect r20.mprint {FACTORY} --suspects suspects",
        f"tradeoff {FACTORY} --data cifar10 --tampering flip-sign --output new",
        f"serve {FACTORY} --port 48613",
    ],
)
def test_a_factory_is_imported_from_the_current_folder_only_when_asked(
    line: str, command: Any, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --search-path the error says so; with it the code runs, and its exit code 0 is no verdict."""
    monkeypatch.setattr(sys, "path", [str(world), *sys.path])
    (world / "exits_at_import.py").write_text("raise SystemExit(0)\n")

    alone, asked = command(*line.split()), command(*line.split(), "--search-path", ".")

    assert (alone.code, asked.code) == (2, 2)
    assert "there is no installed module exits_at_import; the current folder has exits_at_import.py" in alone.err
    assert asked.err == "error: exits_at_import:make failed: SystemExit: 0\n"
    assert not alone.out and not asked.out


def test_what_is_no_regular_file_is_never_replaced(tmp_path: Path) -> None:
    """Not even by force."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")

    for path in (tmp_path / "pipe", tmp_path / "link", Path("/dev/null")):
        with pytest.raises(ValueError, match="is not a regular file and is never replaced"):
            refuse_to_replace(path, force=True)


def test_an_output_is_none_of_the_other_files(tmp_path: Path) -> None:
    """Also by another spelling of its path."""
    other = tmp_path / "a.mprint"
    other.touch()

    refuse_same_file("--report", None, {"--onnx": other})
    refuse_same_file("--report", tmp_path / "b", {"--onnx": other, "--weights": None})
    with pytest.raises(ValueError, match="--report and --onnx are the same file"):
        refuse_same_file("--report", tmp_path / "x" / ".." / "a.mprint", {"--onnx": other})
