"""A drawing becomes an SVG for pages or a PNG for documents."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from modelprint.pages.figures import DARK, DOTS_PER_INCH, INK, LONGEST, Drawing, shorten_name


def draw_line(figure: Any, ink: str) -> None:
    """Draw one line with a label in the ink."""
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=ink)
    axes.set_title("$a < b$")


DRAWING = Drawing(name="line", caption="A line.", size=(2.0, 1.0), draw=draw_line)


def test_an_svg_takes_the_ink_and_the_size_of_the_page() -> None:
    """The placeholder is gone, ids carry the name, text is text and no formula."""
    svg = DRAWING.svg()

    root = ElementTree.fromstring(svg)
    assert root.tag == "svg"
    assert INK not in svg and "currentColor" in svg
    assert "max-width: 202px" in root.attrib["style"]  # 1.4 pixels a point, 72 points an inch, 2 inches
    assert "width" not in root.attrib
    assert all(str(one.get("id")).startswith("line-") for one in root.iter() if one.get("id"))
    assert "$a < b$" in [one.text for one in root.iter("text")]


def test_a_picture_is_drawn_dark_on_white(tmp_path: Path) -> None:
    """A PNG of the size in inches, with ink of its own."""
    DRAWING.save(tmp_path / "line.png")

    with Image.open(tmp_path / "line.png") as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
        assert image.size == (2 * DOTS_PER_INCH, DOTS_PER_INCH)
    assert pixels[0].tolist() == [255, 255, 255]
    assert [int(DARK[place : place + 2], 16) for place in (1, 3, 5)] in pixels.tolist()


def test_equal_drawings_give_equal_bytes(tmp_path: Path) -> None:
    """Neither form has a date."""
    for name in ("one.png", "two.png"):
        DRAWING.save(tmp_path / name)

    assert DRAWING.svg() == DRAWING.svg()
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_names_are_cut_and_control_characters_are_blanks() -> None:
    """The longest name is shown in full; one more character is too many."""
    assert shorten_name("a\x00b\nc") == "a b c"
    assert shorten_name("x" * LONGEST) == "x" * LONGEST
    assert shorten_name("x" * (LONGEST + 1)) == "x" * (LONGEST - 3) + "..."
