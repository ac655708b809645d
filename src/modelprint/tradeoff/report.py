"""The report of a trade-off: Markdown, one self-contained page, a picture and the numbers, which all say the same."""

import json
from pathlib import Path

from modelprint.cache import write_atomically, write_text_atomically
from modelprint.pages.grids import (
    Grid,
    Section,
    Value,
    format_value,
    mapping,
    number,
    numbers,
    percent,
    two_digits,
    words,
)
from modelprint.pages.markdown import markdown_from
from modelprint.pages.sections import Figure, make_gallery, render_sections
from modelprint.pages.tables import shorten_tables, write_tables
from modelprint.tradeoff.curve import Point, SeenRate, Tradeoff
from modelprint.tradeoff.figure import CAPTION, tradeoff_png, tradeoff_svg

MARKDOWN, PAGE, PICTURE, NUMBERS = (f"tradeoff.{ending}" for ending in ("md", "html", "png", "json"))
TABLES = "tradeoff"
"""Folder of the tables as data."""

RATES = (
    "A sample near a tie has a low top-1 probability, which someone who looks at scores can filter. Samples at pQ have "
    "a top-1 probability and an entropy between the Q-th and the (100 - Q)-th percentile of natural images of their "
    "label; those at none are as near to the tie as honest serving allows. Only the method Junction has this choice.",
    "Natural: the percentile of natural confidences, among test images of the same label, that the median sample is "
    "at. The other columns: share of the samples whose label the suspect changes, so the detection rate at N = 1, with "
    "its 95 % Clopper-Pearson interval.",
)

BOUND = (
    "Where no difference of two logits changes by more than D, no image has another label and a top-1 probability "
    "above sigmoid(D) = 1 / (1 + exp(-D)). A label that gives way to another one led it by at most D before; and a "
    "class that leads another by at most D has a probability of at most sigmoid(D), less where more classes are near. "
    "If every logit moves by at most d, D is at most 2 d.",
    "Movement is measured on the samples: RMS of the change of the logits, less its mean over the classes, and the "
    "largest D of any sample, with its bound. At most: share of the samples whose top-1 probability is within the "
    "bound of the D that they see themselves; the rate cannot be higher.",
)


def write_tradeoff(tradeoff: Tradeoff, folder: Path, command: str = "") -> tuple[Path, ...]:
    """Write `tradeoff.md`, `tradeoff.html`, `tradeoff.png` and `tradeoff.json` into `folder`; returns where they are.

    The tables lie beside them as CSV files, in a folder `tradeoff`.

    Args:
        tradeoff: What was measured.
        folder: Need not exist.
        command: What measures it again; left out when empty.

    Raises:
        BenchError: matplotlib is not installed.
    """
    sections = _sections(tradeoff, command)
    record = {"command": command, **tradeoff.to_record()}
    picture = tradeoff_png(tradeoff)
    texts = {
        MARKDOWN: markdown_from(
            MARKDOWN,
            package="modelprint.tradeoff",
            title=_title(tradeoff),
            sections=shorten_tables(sections, TABLES),
            picture=PICTURE,
            caption=CAPTION,
        ),
        PAGE: _page(tradeoff, sections),
        NUMBERS: json.dumps(record, indent=2, ensure_ascii=False) + "\n",
    }
    for name, text in texts.items():
        write_text_atomically(folder / name, text)

    def write(draft: Path) -> None:
        draft.write_bytes(picture)

    write_atomically(folder / PICTURE, write)
    write_tables(sections, folder / TABLES, title=_title(tradeoff))
    return tuple(folder / name for name in (MARKDOWN, PAGE, PICTURE, NUMBERS))


def _title(tradeoff: Tradeoff) -> str:
    return f"Sensitivity against covertness: {tradeoff.network}"


def _page(tradeoff: Tradeoff, sections: list[Section]) -> str:
    samples = Section(name="samples", title="Samples", text=("The first samples of each point.",))
    return render_sections(
        title=_title(tradeoff),
        under=[f"data {tradeoff.data}", f"profile {tradeoff.profile}", f"seed {tradeoff.seed}"],
        tiles=_tiles(tradeoff),
        sections=[*sections, samples],
        figures={"rates": Figure(svg=tradeoff_svg(tradeoff), caption=CAPTION)},
        galleries={name: make_gallery(fingerprint) for name, fingerprint in tradeoff.fingerprints.items()},
    )


def _tiles(tradeoff: Tradeoff) -> list[tuple[str, str]]:
    """Return the numbers to see first, each with what it counts."""
    return [
        (str(len(tradeoff.suspects)), "suspects"),
        (str(len(tradeoff.points)), "points of the curve"),
        (str(tradeoff.count), "samples asked for at each"),
        (", ".join(map(str, tradeoff.settings["k"])), "classes tie at a sample"),
    ]


def _sections(tradeoff: Tradeoff, command: str) -> list[Section]:
    settings = ", ".join(f"{name}={format_value(value)}" for name, value in tradeoff.settings.items())
    made = (
        ("classifier", f"{tradeoff.network}, SHA-256 {tradeoff.model_sha256}"),
        ("data", tradeoff.data),
        ("seed", str(tradeoff.seed)),
        ("samples asked for", f"{tradeoff.count} at each point"),
        ("profile", tradeoff.profile),
        ("settings of Junction", settings),
    )
    problems = tuple(f"{point.name}: {point.problem}" for point in tradeoff.points if point.problem)
    return [
        Section(
            name="rates", title="Detection against confidence", text=(*RATES, *problems), grids=(_rates(tradeoff),)
        ),
        Section(name="bound", title="What no sample can see", text=BOUND, grids=(_movements(tradeoff),)),
        Section(name="suspects", title="Suspects", grids=(_suspects(tradeoff),)),
        Section(name="made", title="How it was measured", code=command, facts=made),
    ]


def _rates(tradeoff: Tradeoff) -> Grid:
    """Return a row for each point."""
    head = (*words("point"), *numbers("samples", "top-1, median", "natural, %"), *numbers(*tradeoff.suspects))
    return Grid(
        caption="Detection at N = 1 in per cent, at each point by each suspect.",
        head=head,
        rows=tuple(_rates_row(point, len(tradeoff.suspects)) for point in tradeoff.points),
    )


def _rates_row(point: Point, suspects: int) -> tuple[Value, ...]:
    if not point.seen:
        return (*words(point.name), *numbers("0", *["-"] * (2 + suspects)))
    counts = numbers(str(point.samples), f"{point.confidence:.4f}", f"{point.natural:.1f}")
    return (*words(point.name), *counts, *(_rate(seen) for seen in point.seen))


def _rate(seen: SeenRate) -> Value:
    interval = f"{percent(seen.low, 0)} to {percent(seen.high, 0)}"
    return Value(text=percent(seen.rate), note=interval, number=True, heat=seen.rate)


def _movements(tradeoff: Tradeoff) -> Grid:
    """Return a row for each suspect at each point."""
    head = (*words("suspect", "point"), *numbers("RMS", "largest D", "bound", "at most, %", "detected, %"))
    rows = tuple(
        (*words(kind, point.name), *numbers(*_movement(seen)))
        for kind in tradeoff.suspects
        for point, seen in tradeoff.seen(kind)
    )
    return Grid(caption="How far the suspects move the logits of the samples, and what follows.", head=head, rows=rows)


def _movement(seen: SeenRate) -> tuple[str, ...]:
    moved = two_digits(seen.logit_rms), two_digits(seen.largest)
    return *moved, f"{seen.bound:.5f}", percent(seen.possible), percent(seen.rate)


def _suspects(tradeoff: Tradeoff) -> Grid:
    """Return a row for each suspect: what was done, and how far it is from the original on the test images."""
    head = (*words("suspect"), *numbers("seed", "steps", "parameters", "logit RMS", "accuracy, %"), *words("goal"))
    rows = []
    for kind, record in tradeoff.suspects.items():
        moved = mapping(record["movement"])
        distances = [two_digits(number(moved.get(name))) for name in ("parameters", "logit_rms")]
        accuracy = percent(number(moved.get("accuracy_after")), 2)
        goal = "reached" if record["goal_reached"] else "missed"
        facts = (format_value(record["seed"]), format_value(record["steps"]), *distances, accuracy)
        rows.append((*words(kind), *numbers(*facts), *words(goal)))
    return Grid(caption="Distances are those to the original, on the test images.", head=head, rows=tuple(rows))
