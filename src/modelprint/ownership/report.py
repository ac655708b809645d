"""Ownership reports: one HTML page about one check, with the suspect among models of known relation.

Drawings show the similarities of all models and, where views are compared, a map of the views' representations: t-SNE,
as in figures C and E of the supplement of the paper on UAP fingerprints. It places similar views near each other, and
distances between groups mean nothing. Everything but the map works without torch and scikit-learn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from jaxtyping import Float

from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ByLabels, ByViews
from modelprint.ownership.decision import OwnershipCheck
from modelprint.pages.html import data_uri, render_page
from modelprint.pages.secret import SECRET

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
class Mark:
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
class SimilarityDrawing:
    """Similarities of models along a line, a row for each role.

    Attributes:
        dots: One for each model.
        ticks: Places and texts below the line.
        height: In pixels.
        rows: Role and middle of each row.
        suspect: Place of the suspect.
    """

    dots: tuple[Mark, ...]
    ticks: tuple[tuple[float, str], ...]
    height: int
    rows: tuple[tuple[Role, float], ...]
    suspect: float


@dataclass(frozen=True, kw_only=True)
class LabelPair:
    """One example, with the expected label and the suspect's.

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


def render_report(
    title: str, fingerprint: OwnershipFingerprint, checked: OwnershipCheck, notes: Iterable[str] = ()
) -> str:
    """Return a page with the verdict, where the suspect lies among the references, and what it was asked.

    Args:
        title: Heading of the page.
        fingerprint: What the suspect was checked with.
        checked: The result of the check.
        notes: Sentences to show under the verdict.
    """
    verdict, evidence = checked.verdict, fingerprint.evidence
    similarities = iter(verdict.others), iter(verdict.copies)
    values = [next(similarities[one.relation == "copy"]) for one in fingerprint.references]
    rows = sorted(zip(values, fingerprint.references, strict=True), key=lambda row: -row[0])
    return render_page(
        TEMPLATE,
        title=title,
        fingerprint=fingerprint,
        verdict=verdict,
        oracle=checked.oracle,
        notes=list(notes),
        rows=rows,
        scale=draw_similarities(fingerprint, checked, values),
        map=map_views(fingerprint, evidence, checked) if isinstance(evidence, ByViews) else None,
        gallery=pair_labels(fingerprint, evidence, checked) if isinstance(evidence, ByLabels) else None,
        roles=ROLES,
        secret=SECRET if isinstance(evidence, ByLabels) else "",
        sizes={"width": WIDTH, "square": SQUARE},
    )


def draw_similarities(
    fingerprint: OwnershipFingerprint, checked: OwnershipCheck, values: Sequence[float]
) -> SimilarityDrawing:
    """Return the similarity of every model along one line."""
    named: list[tuple[Role, float, str]] = [
        (one.relation, value, f"{one.made}, seed {one.seed}: {value:.3f}")
        for one, value in zip(fingerprint.references, values, strict=True)
    ]
    suspect = checked.verdict.similarity
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
            Mark(role=role, x=across(value), y=middles[role] + 7 * (place % 5 - 2), text=text)
            for place, (_, value, text) in enumerate(group)
        ]
    ticks = tuple((across(value), f"{value:.2f}") for value in np.linspace(low, high, 6).tolist())
    rows = tuple(middles.items())
    return SimilarityDrawing(dots=tuple(dots), ticks=ticks, height=ROW * len(roles), rows=rows, suspect=across(suspect))


def map_views(fingerprint: OwnershipFingerprint, evidence: ByViews, checked: OwnershipCheck) -> tuple[Mark, ...]:
    """Return a map of views, each model with the first of its own; empty where there are too few to draw one."""
    assert checked.represented is not None
    suspect, victim = checked.represented
    models: list[tuple[Role, str, np.ndarray]] = []
    for one, values in zip(fingerprint.references, evidence.represented, strict=True):
        models.append((one.relation, f"{one.made}, seed {one.seed}", values[: len(victim)]))
    models += [("victim", "the victim", victim), ("suspect", "the suspect", suspect)]  # drawn last, they lie on top
    each = max(min(len(victim), DOTS // len(models)), 1)
    places = embed(np.concatenate([values[:each] for _, _, values in models]))
    if places is None:
        return ()
    labels = [(role, name) for role, name, _ in models for _ in range(each)]
    return tuple(
        Mark(role=role, x=x, y=y, text=name) for (role, name), (x, y) in zip(labels, places.tolist(), strict=True)
    )


def embed(values: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "n 2"] | None:
    """Return points on a square, close together for similar rows; None for too few rows, or equal ones."""
    from sklearn.manifold import TSNE  # a report on labels has to work without it

    if len(values) < FEWEST or len(np.unique(values, axis=0)) < FEWEST:
        return None
    # Cosines are what is compared, so lengths are taken away.
    units = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    perplexity = min(30.0, (len(units) - 1) / 3)
    places = TSNE(2, perplexity=perplexity, init="random", random_state=0).fit_transform(units)
    low, high = places.min(0), places.max(0)
    spread: np.ndarray = MARGIN + (places - low) / np.maximum(high - low, 1e-9) * (SQUARE - 2 * MARGIN)
    return spread.round(1)


def pair_labels(
    fingerprint: OwnershipFingerprint, evidence: ByLabels, checked: OwnershipCheck
) -> tuple[LabelPair, ...]:
    """Return every example with its label and the suspect's."""
    assert checked.labels is not None
    names = fingerprint.class_names
    return tuple(
        LabelPair(picture=data_uri(picture), expected=names[label], seen=names[seen], matches=label == seen)
        for picture, label, seen in zip(evidence.pictures, evidence.labels, checked.labels, strict=True)
    )
