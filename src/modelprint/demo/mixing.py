"""Combine the samples of two fingerprints of one model."""

from collections.abc import Sequence
from dataclasses import replace

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import ProfileRecord, Sample

QUERIES = 20
"""Samples in the file, and largest number of queries."""
SHARE = 5
"""Every fifth sample is from the first fingerprint."""


def mix(first: Fingerprint, second: Fingerprint) -> Fingerprint:
    """Return 20 samples of two fingerprints of a model: every fifth from the first, the others the second's nearest."""
    profile = _merge_profiles(first.profile, second.profile)
    needed = profile.multiple * profile.floor
    ours = [sample for sample in first.samples if sample.margin >= needed][: QUERIES // SHARE]
    theirs = select_nearest([sample for sample in second.samples if sample.margin >= needed], QUERIES - len(ours))
    samples = list(theirs)
    for place, sample in enumerate(ours, start=1):
        samples.insert(place * SHARE - 1, sample)
    one, other = first.provenance, second.provenance
    provenance = replace(
        one,
        method=f"{one.method}+{other.method}",
        settings={one.method: dict(one.settings), other.method: dict(other.settings)},
        crafted=one.crafted + other.crafted,
        lost_rounding=one.lost_rounding + other.lost_rounding,
        lost_steadiness=one.lost_steadiness + other.lost_steadiness,
        notes={**other.notes, **one.notes, "choice": f"of the samples by {other.method} the nearest to a boundary"},
    )
    return replace(first, samples=tuple(samples), profile=profile, provenance=provenance)


def select_nearest(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Return the `count` samples of smallest margin, balanced over labels: a change may affect one class only."""
    ranked = []
    used: dict[int, int] = {}
    for sample in sorted(samples, key=lambda sample: sample.margin):
        used[sample.label] = used.get(sample.label, 0) + 1
        ranked.append((used[sample.label], sample.margin, sample))
    return [sample for _, _, sample in sorted(ranked, key=lambda entry: entry[:2])][:count]


def _merge_profiles(one: ProfileRecord, other: ProfileRecord) -> ProfileRecord:
    names = sorted({*one.variants, *other.variants})
    variants = {name: max(one.variants.get(name, 0.0), other.variants.get(name, 0.0)) for name in names}
    return replace(one, floor=max(one.floor, other.floor), variants=variants)
