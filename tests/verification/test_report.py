"""A report shows what was asked and answered, to everyone, and runs or loads nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import Release
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture
from modelprint.verification.report import render_report
from modelprint.verification.verdict import Verdict
from modelprint.verification.verifier import verify

FORMAT_1 = Path(__file__).parents[1] / "golden" / "format-1.mprint"
"""Five samples, labels 0 1 2 0 1, the second and fourth with a source."""

VOID = {"img", "meta"}
DASH = "\N{EN DASH}"


@dataclass
class FakeOracle:
    """Gives the listed answers in turn."""

    answers: Iterable[Answer]
    name: str = "fake"

    def ask(self, picture: Picture) -> Answer:
        self.answers = iter(self.answers)
        return next(self.answers)

    def describe(self) -> dict[str, str]:
        return {"kind": self.name}


class Page(HTMLParser):
    """Collects elements, and the text of every table cell; complains about tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += " ".join(data.split())

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element called `tag`."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def small() -> Fingerprint:
    """The fingerprint of most reports here."""
    return Fingerprint.load(FORMAT_1)


def said(small: Fingerprint, answers: Iterable[Answer], name: str = "fake") -> Verdict:
    """Return the verdict on a model that gives these answers."""
    return verify(FakeOracle(answers, name), small)


def labels(*given: int) -> list[Answer]:
    """Return an answer for each label."""
    return [Answer(label=label) for label in given]


def test_one_model_is_shown_with_its_verdict_and_numbers(small: Fingerprint) -> None:
    """Outcome, counts and reason stand in the first table."""
    page = Page(render_report("Check", small, {"release": said(small, labels(0, 1, 0, 1))}))

    assert page.rows[1][:7] == ["release", "tampered", "4", "2", "2", "0", "0"]
    assert "2 of 4 labels differ" in page.rows[1][8]


def test_what_else_it_may_be_is_on_the_page(sealed: Fingerprint, serve: Callable[..., Any]) -> None:
    """Controls, sources, samples asked again, caches; a page about an intact model has no such table."""
    served = serve(lambda index: 4, server={"x-cache": "HIT", "age": "3"})
    served.labels[sealed.samples[0].picture.pixels.tobytes()] = sealed.samples[0].label
    verdict = verify(served, sealed)

    rows = Page(render_report("Check", sealed, {"release": verdict})).rows
    plain = render_report("Check", sealed, {"release": verify(serve(), sealed)})

    shown = ["release", "8 of 8", DASH, "0 of 2", "0 of 2", "unclear", "age: 3, x-cache: HIT", DASH]
    assert shown in rows
    assert "What else may it be?" not in plain


def test_the_release_that_answers_is_on_the_page(small: Fingerprint) -> None:
    """Every candidate has a row with its counts; a page without releases has no such table."""
    others = tuple((sample.label + 1) % 3 for sample in small.samples)
    named = "1.3 <b>"
    carrying = replace(small, releases=(Release(name=named, labels=others),), expected_flip_rate=0.7)

    text = render_report("Check", carrying, {"release": said(carrying, labels(1, 2, 0, 1, 2))})

    assert ["release", named, "5", "5", "2.6", "answers"] in Page(text).rows
    assert ["release", "the protected model", "0", "5", "-19.2", "excluded"] in Page(text).rows
    assert "Which release answers?" in text and "<b>" not in text
    plain = render_report("Check", small, {"release": said(small, labels(1, 2, 0, 1, 2))})
    assert "Which release answers?" not in plain


def test_several_models_share_one_table_of_samples(small: Fingerprint) -> None:
    """Each sample has one row, each model one column, and what differs is marked by sign, word and colour."""
    verdicts = {
        "release": said(small, labels(0, 1, 2, 0, 1)),
        "int8": said(small, labels(0, 1, 0, 1)),
        "down": said(
            small,
            [Answer(problem="timed out"), Answer(label=1, tie=True), *labels(2, 0, 1), Answer(problem="timed out")],
        ),
    }

    text = render_report("Quickstart", small, verdicts)

    page = Page(text)
    samples = {row[0]: row for row in page.rows if row and row[0].isdigit()}
    assert samples["0"][4:] == ["zero", "✓matcheszero", "✓matcheszero", "\N{EN DASH}failedtimed out"]
    assert samples["1"][4:] == ["Straße", "✓matchesStraße", "✓matchesStraße", "=tiedtie"]
    assert samples["2"][4:] == ["二", "✓matches二", "✗differszero", "✓matches二"]
    assert samples["3"][4:] == ["zero", "✓matcheszero", "✗differsStraße", "✓matcheszero"]
    assert samples["4"][4:] == ["Straße", "✓matchesStraße", "not asked", "✓matchesStraße"]
    assert text.count('<td class="differs">') == 2


def test_pictures_are_inside_the_page_with_their_sources_beside_them(small: Fingerprint) -> None:
    """Five samples and two sources, as the exact bytes of the fingerprint, each with a description."""
    page = Page(render_report("Check", small, {"release": said(small, labels(0, 1, 2, 0, 1))}))

    images = page.attributes("img")
    assert len(images) == 7
    assert all((image["src"] or "").startswith("data:image/png;base64,iVBOR") and image["alt"] for image in images)
    assert images[1]["alt"] == "sample 1, expected label Straße"
    assert images[2]["alt"] == "natural image of sample 1"


def test_without_sources_there_is_no_empty_column(small: Fingerprint) -> None:
    """What a fingerprint does not have is not shown."""
    bare = replace(small, samples=tuple(replace(one, source=None) for one in small.samples))

    page = Page(render_report("Check", bare, {"release": said(bare, labels(0, 1, 2, 0, 1))}))

    assert "Source" not in [cell for row in page.rows for cell in row]
    assert len(page.attributes("img")) == 5


def test_samples_that_nobody_was_asked_about_are_counted_not_shown(small: Fingerprint) -> None:
    """A large fingerprint gives a small page when few queries were enough."""
    text = render_report("Check", small, {"release": said(small, labels(0, 0, 1))})

    assert len(Page(text).attributes("img")) == 4
    assert "2 samples were not needed." in text


def test_every_column_and_row_has_a_header(small: Fingerprint) -> None:
    """A screen reader can say where each cell belongs, and in which language."""
    page = Page(render_report("Check", small, {"release": said(small, labels(0, 1, 2, 0, 1))}))

    assert {header.get("scope") for header in page.attributes("th")} == {"col", "row"}
    assert page.attributes("html") == [{"lang": "en"}]
    widths = {len(row) for row in page.rows if row and (row[0] == "Sample" or row[0].isdigit())}
    assert len(widths) == 1


def test_the_page_loads_and_runs_nothing(small: Fingerprint) -> None:
    """No script, no link, no address; and a policy that forbids them, should some text get through."""
    text = render_report("Check", small, {"release": said(small, labels(0, 1, 2, 0, 1))})

    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert not {"script", "link", "iframe", "a", "object"} & {tag for tag, _ in page.elements}
    assert "http:" not in text
    assert "https:" not in text
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text


def test_it_follows_the_light_of_the_reader(small: Fingerprint) -> None:
    """Colours exist twice, and the browser is told."""
    text = render_report("Check", small, {"release": said(small, labels(0, 0, 1))})

    assert "color-scheme: light dark" in text
    assert "@media (prefers-color-scheme: dark)" in text


def test_what_others_wrote_is_shown_as_text() -> None:
    """Titles, class names, server messages, oracles and notes cannot become markup."""
    evil = '<script>alert("x")</script>'
    small = Fingerprint.load(FORMAT_1)
    small = replace(
        small, class_names=(evil, "b", "c"), provenance=replace(small.provenance, network=evil, method=evil)
    )
    verdict = said(small, [Answer(problem=evil), *labels(1, 2, 0, 1), Answer(problem=evil)], name=evil)

    text = render_report(evil, small, {evil: verdict}, [evil])

    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 8


def test_notes_and_limits_are_on_the_page(small: Fingerprint) -> None:
    """What the maker of the page adds, and what no verdict can promise."""
    text = render_report("Check", small, {"release": said(small, labels(0, 0, 1))}, ["Sealed with a mix of methods."])

    assert "<p>Sealed with a mix of methods.</p>" in text
    assert "cannot exclude a provider who recognises these queries" in text


def test_a_verdict_on_another_fingerprint_is_refused(small: Fingerprint) -> None:
    """A page never mixes answers with pictures they are not about."""
    other = replace(small, expected_flip_rate=0.5)

    with pytest.raises(ValueError, match="the verdict on 'release' was reached with fingerprint"):
        render_report("Check", small, {"release": said(other, labels(0, 0, 1))})


def test_a_report_about_nothing_is_refused(small: Fingerprint) -> None:
    """At least one verdict."""
    with pytest.raises(ValueError, match="at least one verdict"):
        render_report("Check", small, {})


Screenshot = Callable[..., tuple[Image.Image, list[str]]]


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 600])
def test_a_browser_shows_the_page_without_complaint(
    small: Fingerprint, screenshot: Screenshot, tmp_path: Path, width: int
) -> None:
    """Nothing is blocked, there is something to see, and wide tables scroll inside the page on a narrow screen."""
    trouble = Answer(problem="status 503: upstream connect error or disconnect before headers")
    verdicts = {
        "release": said(small, labels(0, 1, 2, 0, 1)),
        "int8": said(small, labels(0, 1, 0, 1)),
        "down": said(small, [trouble, *labels(1, 2, 0, 1)]),
        "<b>": said(small, labels(0, 0, 1)),
    }
    page = tmp_path / "page.html"
    page.write_text(render_report("Quickstart", small, verdicts))

    picture, complaints = screenshot(page, width=width, height=1500)

    assert complaints == []
    assert picture.size == (width, 1500)
    colours = picture.getcolors(maxcolors=1 << 24)
    assert colours is not None
    assert len(colours) > 50
    assert max(count for count, _ in colours) < 0.98 * picture.width * picture.height
    assert len(picture.crop((width - 5, 0, width, 1500)).getcolors() or []) == 1


@pytest.mark.browser
def test_the_browser_would_complain(screenshot: Screenshot, tmp_path: Path) -> None:
    """What the policy forbids is blocked, and the tests above would see it."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    page = tmp_path / "page.html"
    page.write_text(
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><script>0</script><img src="x.png">'
    )

    _, complaints = screenshot(page, width=300, height=300)

    assert len(complaints) == 2
    assert all("Content Security Policy" in complaint for complaint in complaints)
