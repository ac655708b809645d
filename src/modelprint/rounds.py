"""Rounds of crafting, as generation and sealing from labels both have them: how many more, and what is new in them."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import rfc8785
from jaxtyping import Bool

from modelprint.data import DataSet
from modelprint.fingerprint_parts import Provenance
from modelprint.pixels import Pixels

ROUNDS = 4
"""How often we craft what is still missing."""

RESERVE = 1.25
"""How many more than are missing are crafted in a later round, counting on the yield so far."""

FLIP_RATE = 1e-4
"""Probability p0 that honest serving flips the label of a steady sample all the same."""


def provenance_of(
    network: str,
    digest: str,
    data: DataSet,
    method_name: str,
    settings: Mapping[str, object],
    seed: int,
    created: datetime,
) -> Provenance:
    """Return how samples are about to come to be; ValueError when no file can hold it.

    Args:
        network: Name of the classifier.
        digest: Its SHA-256, or UNKNOWN_MODEL.
        data: What the method starts from.
        method_name: What the file calls the method.
        settings: Its settings.
        seed: Of every random number.
        created: Time for the file.
    """
    if created.tzinfo is None:
        raise ValueError(f"created says no time zone: {created.isoformat()}")
    try:
        plain = json.loads(rfc8785.dumps(dict(settings)))  # type: ignore[arg-type]
    except rfc8785.CanonicalizationError as problem:
        raise ValueError(f"the settings of {method_name} cannot be written as JSON: {problem}") from problem
    return Provenance(
        method=method_name,
        settings=plain,
        seed=seed,
        network=network,
        model_sha256=digest,
        data=data.name,
        data_sha256=data.digest,
        created=created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=version("modelprint"),
        crafted=0,
        lost_rounding=0,
        lost_steadiness=0,
    )


def wanted_again(count: int, kept: int, crafted: int, left: int) -> int:
    """Return how many samples to craft after `kept` of those `crafted` so far, when so many sources are left."""
    # A yield that is very low says that more of the same will not help; count on one half at least.
    share = max(kept / crafted, 0.5)
    return min(math.ceil(RESERVE * max(count - kept, 0) / share), left)


def unseen(pixels: Pixels, seen: set[bytes]) -> Bool[np.ndarray, " n"]:
    """Return which images are new, and remember them."""
    fresh = np.zeros(len(pixels), dtype=bool)
    for index, image in enumerate(pixels):
        content = image.tobytes()
        fresh[index] = content not in seen
        seen.add(content)
    return fresh
