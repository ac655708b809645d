"""Options that several commands share."""

from pathlib import Path

import pytest

from modelprint.cli.options import check_choice, parse_shape, refuse_to_replace


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
