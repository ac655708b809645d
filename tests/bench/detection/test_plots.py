"""Figures are SVG that a page can hold: well formed, without anything to load, and in the ink of the page."""

import sys
import xml.etree.ElementTree as ElementTree

import pytest

from modelprint.bench.detection.plots import Curves, SuspectDot, detection_curves, distance_scatter
from modelprint.bench.time_bars import Bar, draw_bars
from modelprint.errors import BenchError

EVIL = '$\\frac{</text><script>alert("x")</script>\x00\n'
"""Opens a formula and an element, and holds what XML cannot."""

STEPS = ((1, 0.2), (2, 0.36), (3, 0.5))


def curves(name: str = "misentry") -> str:
    """Return a figure of one fingerprint."""
    return detection_curves([Curves(name=name, lines=(STEPS, STEPS), mean=STEPS, published=((1, 0.7),))])


def scatter(name: str = "misentry") -> str:
    """Return a figure of one fingerprint and two suspects."""
    dots = [SuspectDot(moved=1e-4, rate=0.1, reached=True), SuspectDot(moved=2.0, rate=1.0, reached=False)]
    return distance_scatter({name: dots})


def bars(name: str = "suspect unlearning") -> str:
    """Return a figure of two parts."""
    return draw_bars([Bar(name=name, stage=name, seconds=90.0), Bar(name="zoo", stage="zoo", seconds=30.0)])


FIGURES = {"curves": curves, "distance": scatter, "times": bars}


def texts(svg: str) -> list[str]:
    """Return what is written in a figure, which has to be well-formed XML."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_well_formed_and_loads_nothing(name: str) -> None:
    """No address, no style sheet that would be the whole page's, no fixed size."""
    svg = FIGURES[name]()

    root = ElementTree.fromstring(svg)
    assert root.tag == "svg"
    assert not {"width", "height"} & set(root.attrib)
    assert "http" not in svg
    assert "<style" not in svg


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_takes_the_ink_of_the_page(name: str) -> None:
    """Text and axes follow the reader's light; no white ground is painted."""
    svg = FIGURES[name]()

    assert "currentColor" in svg
    assert "#ffffff" not in svg
    assert "#000000" not in svg


@pytest.mark.parametrize("name", FIGURES)
def test_names_are_text_whatever_they_hold(name: str) -> None:
    """Neither a formula nor an element."""
    svg = FIGURES[name](EVIL)

    assert "<script" not in svg
    assert any(text.startswith("$\\frac{</text><script>") for text in texts(svg))


@pytest.mark.parametrize("name", FIGURES)
def test_names_inside_figures_do_not_clash(name: str) -> None:
    """Several figures stand in one page, so each of them puts its own name before every identifier."""
    root = ElementTree.fromstring(FIGURES[name]())

    identifiers = [element.get("id") for element in root.iter() if element.get("id")]
    assert identifiers
    assert len(set(identifiers)) == len(identifiers)
    assert all(str(identifier).startswith(f"{name}-") for identifier in identifiers)
    used = [str(element.get("href")) for element in root.iter() if element.get("href")]
    assert {link.removeprefix("#") for link in used} <= set(identifiers)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_repeatable(name: str) -> None:
    """The same data give the same bytes: a report that did not change shows no difference."""
    assert FIGURES[name]() == FIGURES[name]()


def test_every_fingerprint_has_a_panel() -> None:
    """Four take two rows of panels."""
    names = ["natural", "bisection", "misentry", "misentry-float"]

    svg = detection_curves([Curves(name=name, lines=(STEPS,), mean=STEPS) for name in names])

    assert [text for text in texts(svg) if text in names] == names
    assert texts(svg).count("samples asked, N") == 4


def test_a_curve_without_points_is_an_empty_panel() -> None:
    """A fingerprint whose suspects all missed their goal."""
    assert "natural" in texts(detection_curves([Curves(name="natural", lines=((),), mean=())]))


def test_distances_are_on_a_logarithmic_axis() -> None:
    """Five powers of ten in one picture, in plain numbers."""
    assert {"0.0001", "0.01", "1"} <= set(texts(scatter()))


def test_long_names_are_cut() -> None:
    """A figure is not pushed aside by a name."""
    assert "x" * 31 + "..." in texts(curves("x" * 100))


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes with an extra."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(BenchError, match="install the extra bench as modelprint was installed"):
        curves()
