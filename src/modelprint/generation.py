"""From a classifier to a sealed fingerprint: craft, round to eight bits, label, keep the steady, seal.

    fingerprint, report = generate(model, data, Bisection(), method_name="bisection", settings={}, count=100)
    print(report.summary())
    fingerprint.save("release.mprint")

What a method makes in floats counts for nothing until it is eight-bit pixels: those are labelled, measured and sealed.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import rfc8785
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from modelprint.calibration import FLOAT64, PROFILES, Forms, Noise, Profile, join, measure, reference_labels
from modelprint.classifier import Classifier
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.fingerprint import Fingerprint
from modelprint.fingerprint_file import SAMPLE_LIMIT
from modelprint.fingerprint_parts import EXACT_INTEGER, Preprocessing, ProfileRecord, Provenance, Sample
from modelprint.methods.method import Crafted, Method, Work
from modelprint.pixels import MODES, Picture, Pixels
from modelprint.streams import stream
from modelprint.tensors import to_pixels

ROUNDS = 4
"""How often we craft what is still missing."""

RESERVE = 1.25
"""How many more than are missing are crafted in a later round, counting on the yield so far."""

FLIP_RATE = 1e-4
"""Probability p0 that honest serving flips the label of a steady sample all the same."""


@dataclass(frozen=True, kw_only=True)
class GenerationReport:
    """What became of the samples.

    Attributes:
        crafted: How many the method was asked for in all rounds; the sum of the six counts that follow.
        given_up: The method had no sample for the source, or one with values that are not finite.
        lost_rounding: Rounding to eight bits changed the label.
        duplicates: The same pixels as an earlier sample.
        lost_steadiness: Honest serving may change the label.
        spare: Steady, but not needed.
        kept: Sealed.
        rounds: How often the method was run.
        floor: Noise floor of the profile, in logits.
        multiple: Smallest margin kept, in floors.
        absent: Variants of the profile that could not be measured, and why.
    """

    crafted: int
    given_up: int
    lost_rounding: int
    duplicates: int
    lost_steadiness: int
    spare: int
    kept: int
    rounds: int
    floor: float
    multiple: float
    absent: Mapping[str, str] = field(default_factory=dict)

    def summary(self) -> str:
        """Say in one line each how many were crafted, lost and kept."""
        lines = {
            "crafted": f"{self.crafted} in {self.rounds} round{'s' if self.rounds != 1 else ''}",
            "given up": f"{self.given_up} by the method",
            "lost": f"{self.lost_rounding} to rounding to 8 bits",
            "repeated": f"{self.duplicates} with the pixels of another",
            "unsteady": f"{self.lost_steadiness} within {self.multiple:g} times the noise floor of {self.floor:.3g} logits",
            "spare": f"{self.spare} steady, but more than were asked for",
            "kept": f"{self.kept}",
        }
        absent = {"not measured": f"{name} ({reason})" for name, reason in self.absent.items()}
        return "\n".join(f"{name:<12} {text}" for name, text in [*lines.items(), *absent.items()])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Round:
    """One run of the method, sifted; the noise of candidates and of their sources is in rows of its own."""

    crafted: int
    given_up: int
    lost_rounding: int
    duplicates: int
    candidates: Pixels
    origins: Pixels
    noise: Noise
    source_count: int
    notes: Mapping[str, str]


def generate(
    model: Classifier,
    data: DataSet,
    method: Method,
    *,
    method_name: str,
    settings: Mapping[str, object],
    count: int,
    profile: str = "fp32",
    seed: int = 0,
    multiple: float = 3.0,
    expected_flip_rate: float = 0.25,
    allow_fewer: bool = False,
    work: Work = Work(),  # noqa: B008 - frozen
    created: datetime | None = None,
) -> tuple[Fingerprint, GenerationReport]:
    pass
