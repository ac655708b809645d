"""The report on one check of ownership: where the suspect lies among models of known relation, drawn and in numbers.

Drawn are the similarities of all models and, where they are told by views, a map of what the encoder makes of the
views: t-SNE, as in figures C and E of the supplement of the paper on UAP fingerprints. It puts near together what is
near, and says nothing about distances between groups.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from sklearn.manifold import TSNE

from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ByLabels, ByViews
from modelprint.ownership.checking import Finding
from modelprint.pages.html import data_uri, render_page

TEMPLATE = "ownership.html"
WIDTH, ROW, SQUARE = 760, 56, 520
"""Sizes of the drawings: of the scale, of each of its rows, and of the map, in pixels."""
MARGIN = 24
DOTS = 1200
"""Most views on the map."""
FEWEST = 5
"""Fewest views that make a map."""

Role = Literal["victim", "copy", "unrelated", "suspect"]
ROLES: tuple[Role, ...] = ("victim", "copy", "unrelated", "suspect")


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One mark of a drawing.

    Attributes:
        role: Whose it is; each role has a colour and a shape.
        x: From the left, in pixels.
        y: From the top.
        text: What it stands for.
    """

    role: Role
    x: float
    y: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Similarities of models along a line, a row for each role.

    Attributes:
        dots: One for each model.
        ticks: Places and texts below the line.
        height: In pixels.
        rows: Role and middle of each row.
        suspect: Place of the suspect.
    """

    dots: tuple[Dot, ...]
    ticks: tuple[tuple[float, str], ...]
    height: int
    rows: tuple[tuple[Role, float], ...]
    suspect: float


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One example of the gallery.

    Attributes:
        picture: As a data URI.
        expected: The label that copies give it.
        seen: The label that the suspect gives it.
        matches: Whether they are the same.
    """

    picture: str
    expected: str
    seen: str
    matches: bool


def render_report(title: str, fingerprint: OwnershipFingerprint, finding: Finding, notes: Iterable[str] = ()) -> str:
    """Return a page with the verdict, where the suspect lies among the references, and what it was asked.

    Args:
        title: Heading of the page.
        fingerprint: What the suspect was checked with.
        finding: What came out.
        notes: Sentences to show under the verdict.
    """
    verdict, evidence = finding.verdict, fingerprint.evidence
    similarities = iter(verdict.others), iter(verdict.copies)
    values = [next(similarities[one.relation == "copy"]) for one in fingerprint.references]
    rows = sorted(zip(values, fingerprint.references, strict=True), key=lambda row: -row[0])
    return render_page(
        TEMPLATE,
        title=title,
        fingerprint=fingerprint,
        verdict=verdict,
        oracle=finding.oracle,
        notes=list(notes),
        rows=rows,
        scale=scale(fingerprint, finding, values),
        map=view_map(fingerprint, evidence, finding) if isinstance(evidence, ByViews) else None,
        gallery=gallery(fingerprint, evidence, finding) if isinstance(evidence, ByLabels) else None,
        roles=ROLES,
        sizes={"width": WIDTH, "square": SQUARE},
    )


def scale(fingerprint: OwnershipFingerprint, finding: Finding, values: Sequence[float]) -> Scale:
    """Return the similarity of every model along one line."""
    named: list[tuple[Role, float, str]] = [
        (one.relation, value, f"{one.made}, seed {one.seed}: {value:.3f}")
        for one, value in zip(fingerprint.references, values, strict=True)
    ]
    suspect = finding.verdict.similarity
    named += [("suspect", suspect, f"the suspect: {suspect:.3f}")]
    low, high = min(0.0, *(value for _, value, _ in named)), 1.0
    roles = [role for role in ROLES if any(one == role for one, _, _ in named)]
    middles = {role: ROW * (place + 0.5) for place, role in enumerate(roles)}

    def across(value: float) -> float:
        return round(MARGIN + (value - low) / (high - low) * (WIDTH - 2 * MARGIN), 1)

    dots = []
    for role, group in groupby(sorted(named), key=lambda one: one[0]):
        # Neighbours take turns between five heights, so that equal ones do not hide each other.
        dots += [
            Dot(role=role, x=across(value), y=middles[role] + 7 * (place % 5 - 2), text=text)
            for place, (_, value, text) in enumerate(group)
        ]
    ticks = tuple((across(value), f"{value:.2f}") for value in np.linspace(low, high, 6).tolist())
    rows = tuple(middles.items())
    return Scale(dots=tuple(dots), ticks=ticks, height=ROW * len(roles), rows=rows, suspect=across(suspect))


def view_map(fingerprint: OwnershipFingerprint, evidence: ByViews, finding: Finding) -> tuple[Dot, ...]:
    """Return a map of views, each model with the first of its own; empty where there are too few to draw one."""
    assert finding.represented is not None
    suspect, victim = (one.numpy() for one in finding.represented)
    models: list[tuple[Role, str, np.ndarray]] = []
    for one, values in zip(fingerprint.references, evidence.represented, strict=True):
        models.append((one.relation, f"{one.made}, seed {one.seed}", values[: len(victim)]))
    models += [("victim", "the victim", victim), ("suspect", "the suspect", suspect)]  # drawn last, they lie on top
    each = max(min(len(victim), DOTS // len(models)), 1)
    places = embedded(np.concatenate([values[:each] for _, _, values in models]))
    if places is None:
        return ()
    labels = [(role, name) for role, name, _ in models for _ in range(each)]
    return tuple(
        Dot(role=role, x=x, y=y, text=name) for (role, name), (x, y) in zip(labels, places.tolist(), strict=True)
    )


def embedded(values: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "n 2"] | None:
    """Return places on a square, near together for what is near; None for too few, or all alike."""
    if len(values) < FEWEST or len(np.unique(values, axis=0)) < FEWEST:
        return None
    # Cosines are what is compared, so lengths are taken away.
    units = torch.nn.functional.normalize(torch.from_numpy(values), dim=1).numpy()
    perplexity = min(30.0, (len(units) - 1) / 3)
    places = TSNE(2, perplexity=perplexity, init="random", random_state=0).fit_transform(units)
    low, high = places.min(0), places.max(0)
    spread: np.ndarray = MARGIN + (places - low) / np.maximum(high - low, 1e-9) * (SQUARE - 2 * MARGIN)
    return spread.round(1)


def gallery(fingerprint: OwnershipFingerprint, evidence: ByLabels, finding: Finding) -> tuple[Shown, ...]:
    """Return every example with its label and the suspect's."""
    assert finding.labels is not None
    names = fingerprint.class_names
    return tuple(
        Shown(picture=data_uri(picture), expected=names[label], seen=names[seen], matches=label == seen)
        for picture, label, seen in zip(evidence.pictures, evidence.labels, finding.labels, strict=True)
    )
