"""Pages are self-contained, and values cannot become markup."""

import base64

import numpy as np
import pytest
from jinja2 import UndefinedError

from modelprint.pages.html import data_uri, render_page
from modelprint.pages.sections import render_sections
from modelprint.pixels import Picture


def test_values_are_escaped_and_the_page_forbids_loading() -> None:
    """A title with a script stays text; the content policy allows inline styles and data images only."""
    page = render_page("head.html", title="<script>alert(1)</script>")

    assert "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>" in page
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert page.startswith("<!DOCTYPE html>")


def test_a_missing_value_is_an_error_and_not_an_empty_place() -> None:
    """A template never guesses."""
    with pytest.raises(UndefinedError, match="title"):
        render_page("head.html")


def test_a_picture_is_in_the_page_itself() -> None:
    """The data URI holds the very bytes of the PNG."""
    picture = Picture.of(np.arange(4, dtype=np.uint8).reshape(1, 2, 2))

    head, content = data_uri(picture).split(",")

    assert head == "data:image/png;base64"
    assert base64.b64decode(content) == picture.png


def test_a_page_of_no_sections_has_its_title_and_tiles() -> None:
    """The smallest page of a study."""
    page = render_sections(
        title="A study", under=["one", "two"], tiles=[("7", "models & more")], sections=[], figures={}, galleries={}
    )

    assert "<h1>A study</h1>" in page
    assert "one · two" in page
    assert "<b>7</b>models &amp; more" in page
    assert "Secret" not in page
    assert page.rstrip().endswith("</html>")
