"""Doubts: what else than a changed model may give wrong labels. Needs no torch.

A sample lies close to a boundary, so a picture that is changed on the way often falls back to the class of the natural
picture it was made from, and so does the answer of another model that was trained for the same task. Changed weights
give it any of the classes that meet there. `docs/results/verdicts.md` has the measured shares.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from modelprint.verification.verdict import ControlCheck, Doubts, Observed

CACHE_HEADERS = ("age", "cf-cache-status", "x-cache", "x-cache-hits")
"""Hints of a reply, in lower case, that say whether a cache gave it."""
BY_PICTURES = (0.4, 0.96)
BY_WEIGHTS = (0.05, 0.3)
"""Measured shares of the flips that land on the label of the source.

Of changed pictures (resize, JPEG, colours: up to 0.76) and of another model of the same task (0.95), or of changed
weights.
"""
LEAN = 3.0
"""Likelihood ratio from which the share is said to point to one of the two."""
MOST_DECIMALS = 4
"""Scores with more decimals do not look rounded."""


def find_doubts(seen: Sequence[Observed], source_labels: Sequence[int | None]) -> Doubts:
    """Return what else the answers may come from.

    Args:
        seen: All answers.
        source_labels: Label of the source of each sample; None where it is unknown.
    """
    flips = [
        one
        for one in seen
        if one.flipped and one.index < len(source_labels) and source_labels[one.index] not in (None, one.expected)
    ]
    on_source = sum(one.answer.label == source_labels[one.index] for one in flips)
    return Doubts(
        flips=len(flips),
        on_source=on_source,
        reading=_read_share(on_source, len(flips)),
        cache_headers=tuple(list_cache_hints(seen)),
        tied=sum(one.answer.tie for one in seen),
        decimals=_count_decimals(seen),
    )


def state_doubts(doubts: Doubts, controls: ControlCheck | None) -> tuple[str, ...]:
    """Return the doubts about a verdict tampered as sentences; there is always one.

    Args:
        doubts: What else the answers may come from.
        controls: What ordinary pictures showed; None when none were asked.
    """
    cause = _state_share(doubts) if controls is None or not controls.varied else _state_varied(controls)
    return (cause, _state_controls(controls), *state_rounding(doubts))


def _state_varied(controls: ControlCheck) -> str:
    again = f"{controls.varied} of {controls.repeated} samples that were asked again got another label"
    return f"{again}: the answers vary, as from noise on the scores or from replicas that serve different models"


def _state_controls(controls: ControlCheck | None) -> str:
    if controls is None:
        return "no ordinary pictures were asked; `modelprint endpoint probe` does"
    right = f"{controls.right} of {controls.usable} ordinary pictures get the right label"
    if not controls.usable:
        return (
            "not one answer about an ordinary picture was usable, so they show nothing about preprocessing and labels"
        )
    return f"{right}, which excludes another order of the classes, but no small change of the pictures"


def state_rounding(doubts: Doubts) -> tuple[str, ...]:
    """Return a sentence about scores that look rounded, where they do."""
    if doubts.decimals is None:
        return ()
    ties = f" ({doubts.tied} of the answers tie)" if doubts.tied else ""
    return (f"the scores look rounded to {doubts.decimals} decimals{ties}; ask for labels, or for more decimals",)


def list_cache_hints(seen: Iterable[Observed]) -> list[str]:
    """Return the headers of the replies that say that a cache answered, sorted, each once."""
    hints = {
        f"{name}: {value}"
        for observed in seen
        for name, value in observed.answer.server.items()
        if name.lower() in CACHE_HEADERS and value != "0" and not value.lower().startswith("miss")
    }
    return sorted(hints)


def _state_share(doubts: Doubts) -> str:
    changed = "pictures that are changed on the way (resize, JPEG, colours)"
    if doubts.reading == "unknown":
        return f"{changed} would look the same, and the file cannot tell them apart"
    pictures, weights = (f"{100 * low:.0f} to {100 * high:.0f} %" for low, high in (BY_PICTURES, BY_WEIGHTS))
    meaning = {
        "pictures": "so check the preprocessing before you blame the model",
        "weights": "so this looks like changed weights",
        "unclear": "so this may be either",
    }
    share = f"{doubts.on_source} of {doubts.flips} changed labels are those of the source pictures"
    measured = f"{changed}, or another model of the same task, lead there in {pictures}, changed weights in {weights}"
    return f"{share}; {measured}; {meaning[doubts.reading]}"


def _read_share(hits: int, count: int) -> Literal["pictures", "weights", "unclear", "unknown"]:
    """Return which measured range makes so many hits likelier, each taken at its best."""
    if not count:
        return "unknown"
    lead = _log_likelihood(hits, count, BY_PICTURES) - _log_likelihood(hits, count, BY_WEIGHTS)
    if abs(lead) < math.log(LEAN):
        return "unclear"
    return "pictures" if lead > 0 else "weights"


def _log_likelihood(hits: int, count: int, bounds: tuple[float, float]) -> float:
    share = min(max(hits / count, bounds[0]), bounds[1])
    return hits * math.log(share) + (count - hits) * math.log(1 - share)


def _count_decimals(seen: Iterable[Observed]) -> int | None:
    """Return the most decimals of all scores, where several replies have scores from 0 to 1 with few of them."""
    rankings = [one.answer.ranking for one in seen if len(one.answer.ranking) > 1]
    scores = [score for ranking in rankings for _, score in ranking]
    if len(rankings) < 2 or not all(0 <= score <= 1 for score in scores):
        return None
    decimals = max(
        len(repr(score).partition(".")[2]) if "e" not in repr(score) else MOST_DECIMALS + 1 for score in scores
    )
    return decimals if decimals <= MOST_DECIMALS else None
