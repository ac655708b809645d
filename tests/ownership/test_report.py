"""The page shows the suspect among the references, loads nothing, and escapes everything."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelprint.fingerprint.ownership_parts import ByLabels, ByViews
from modelprint.ownership import Claim, Judge, OwnershipCheck, OwnershipFingerprint
from modelprint.ownership.report import draw_similarities, embed, map_views, pair_labels, render_report

Make = Callable[..., OwnershipFingerprint]


def found_by_labels(file: OwnershipFingerprint, labels: tuple[int, ...] = (0, 1, 2, 1)) -> OwnershipCheck:
    """Return a finding of three matches of four."""
    others, copies = (
        [np.array([(file.references[row].matches or 0) / 4]) for row in file.rows_of(kind)]
        for kind in ("unrelated", "copy")
    )
    verdict = replace(Judge().judge(np.array([0.75]), others, copies), views=4, unit="examples")
    return OwnershipCheck(verdict=verdict, oracle={"kind": "<b>local</b>"}, labels=labels)


def found_by_views(file: OwnershipFingerprint) -> OwnershipCheck:
    """Return a finding about a suspect like the first reference."""
    assert isinstance(file.evidence, ByViews)
    rows = file.evidence.represented
    values = [np.full(3, 0.9 if one.relation == "copy" else 0.3) for one in file.references]
    verdict = Judge().judge(np.array([0.25, 0.25, 0.25]), values[:19], values[19:])
    return OwnershipCheck(verdict=verdict, oracle={"kind": "local"}, represented=(rows[0] + 0.01, rows[-1]))


def test_the_page_says_what_was_found(told_by_labels: Make) -> None:
    """Verdict, rates, references and every example, with its label and the suspect's."""
    file = told_by_labels()

    page = render_report("Mine <or> not", file, found_by_labels(file), notes=["a & b"])

    assert "Mine &lt;or&gt; not" in page and "a &amp; b" in page
    assert "&lt;b&gt;local&lt;/b&gt;" in page
    assert '<span class="outcome copy">copy</span>' in page
    assert page.count('<li class="match">') == 3
    assert "zero, not one" in page
    assert "Compared with 19 unrelated models and 9 copies, over 4 examples" in page
    assert page.count("retrain-all-short</th>") == 19
    assert file.digest in page
    assert "Map of the views" not in page


def test_the_page_loads_nothing(told_by_labels: Make, told_by_views: Make) -> None:
    """No scripts, no addresses but data."""
    for file, finding in ((told_by_labels(), found_by_labels), (told_by_views(), found_by_views)):
        page = render_report("x", file, finding(file))
        assert "<script" not in page
        assert all(link.startswith("data:") for link in re.findall(r'(?:src|href)="([^"]*)"', page))
        assert "default-src 'none'" in page


def test_every_model_has_its_mark(told_by_views: Make) -> None:
    """In the drawing of similarities; larger ones lie to the right."""
    file = told_by_views()
    finding = found_by_views(file)
    values = [*finding.verdict.others, *finding.verdict.copies]

    drawn = draw_similarities(file, finding, values)

    assert [len([dot for dot in drawn.dots if dot.role == role]) for role in ("unrelated", "copy", "suspect")] == [
        19,
        9,
        1,
    ]
    (suspect,) = (dot for dot in drawn.dots if dot.role == "suspect")
    assert suspect.x == drawn.suspect < min(dot.x for dot in drawn.dots if dot.role == "unrelated")
    assert max(dot.x for dot in drawn.dots if dot.role == "unrelated") < min(
        dot.x for dot in drawn.dots if dot.role == "copy"
    )
    assert [text for _, text in drawn.ticks] == ["0.00", "0.20", "0.40", "0.60", "0.80", "1.00"]


def test_the_map_has_every_view_of_every_model(told_by_views: Make) -> None:
    """Copies lie nearer to the victim than unrelated models do."""
    file = told_by_views()
    assert isinstance(file.evidence, ByViews)

    drawn = map_views(file, file.evidence, found_by_views(file))

    assert len(drawn) == 3 * (1 + 28 + 1)
    places = {
        role: np.array([(dot.x, dot.y) for dot in drawn if dot.role == role])
        for role in ("victim", "copy", "unrelated", "suspect")
    }
    distances = {
        role: np.linalg.norm(places[role][:, None] - places["victim"][None], axis=2).min(1).mean()
        for role in ("copy", "unrelated")
    }
    assert distances["copy"] < distances["unrelated"]


def test_few_or_equal_views_make_no_map() -> None:
    """The page says so in place of it."""
    rng = np.random.default_rng(0)

    assert embed(rng.random((4, 3)).astype(np.float32)) is None
    assert embed(np.ones((40, 3), dtype=np.float32)) is None
    places = embed(rng.random((12, 3)).astype(np.float32))
    assert places is not None and places.shape == (12, 2)
    assert np.isfinite(places).all()


def test_a_page_without_a_map_says_why(told_by_views: Make) -> None:
    """All models answer alike."""
    file = told_by_views()
    assert isinstance(file.evidence, ByViews)
    alike = replace(file.evidence, represented=np.ones_like(file.evidence.represented))
    one = np.ones((3, 4), dtype=np.float32)

    page = render_report("x", replace(file, evidence=alike), replace(found_by_views(file), represented=(one, one)))

    assert "too few different views" in page


def test_the_gallery_has_the_names_of_classes(told_by_labels: Make) -> None:
    """Of what was expected and what was answered."""
    file = told_by_labels()
    assert isinstance(file.evidence, ByLabels)

    shown = pair_labels(file, file.evidence, found_by_labels(file))

    assert [(one.expected, one.seen, one.matches) for one in shown][2:] == [
        ("two", "two", True),
        ("zero", "one", False),
    ]


def test_only_a_page_with_examples_is_secret(told_by_labels: Make, told_by_views: Make) -> None:
    """Views are shown as points, without pictures."""
    examples, views = told_by_labels(), told_by_views()

    assert "Secret: " in render_report("x", examples, found_by_labels(examples))
    assert "Secret: " not in render_report("x", views, found_by_views(views))


@pytest.mark.parametrize("outcome", Claim)
def test_every_verdict_has_a_colour(told_by_labels: Make, outcome: Claim) -> None:
    """Of its own class in the page's style."""
    file = told_by_labels()
    finding = found_by_labels(file)

    page = render_report("x", file, replace(finding, verdict=replace(finding.verdict, outcome=outcome)))

    assert f'class="outcome {outcome}"' in page
    assert f".{outcome}" in page


@pytest.mark.browser
def test_a_browser_draws_the_page(
    told_by_views: Make, tmp_path: Path, screenshot: Callable[..., tuple[Image.Image, list[str]]]
) -> None:
    """Without a complaint, and with marks in it."""
    file = told_by_views()
    (tmp_path / "own.html").write_text(render_report("x", file, found_by_views(file)))

    picture, complaints = screenshot(tmp_path / "own.html")

    assert complaints == []
    assert len(set(picture.resize((200, 300)).get_flattened_data())) > 20
