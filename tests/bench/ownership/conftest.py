"""What tests of the study share: a plan that takes seconds, a run of it, and observations made by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelprint.bench.ownership.observation import OWN, PLAIN, OwnershipObservation
from modelprint.bench.run import Summary
from modelprint.bench.targets import TARGETS, target_model
from modelprint.cache import cache_folder
from modelprint.engine import Executor

STUDY = """
name = "whose"
title = "A test"
target = "digits"
suspects = [
    { row = "Copies", kind = "extract-labels", models = 2, training = 1, settings = { queries = 100, seeds = 50 } },
    { row = "Others", kind = "homologous-0", models = 3, training = 1, settings = { overlap = 1.0, images = 200 } },
    { row = "Nothing changed", kind = "none", control = true },
]
fingerprints = [{ name = "natural", method = "natural", count = 4, profile = "exact" }]

[ownership]
alpha = 0.5
sibling = "digits-2"
pattern = { radius = 80, rate = 0, steps = 5, batch = 50, images = 100 }
views = { points = 5, views = 3 }
encoder = { epochs = 2 }
border = 5
examples = [{ name = "vanilla", settings = { steps = 10 }, count = 5 }]
"""

RunStudy = Callable[..., Summary]


@pytest.fixture
def study_plan() -> str:
    """A plan with six suspects: an observation and an observation of ownership of each."""
    return STUDY


@pytest.fixture(scope="session")
def run_study(run_tiny: RunStudy) -> RunStudy:
    """Run the plan, or another text, into a folder."""

    def call(folder: Path, executor: Executor | None = None, text: str = STUDY) -> Summary:
        return run_tiny(folder, executor, text)

    return call


@pytest.fixture(scope="session")
def targets(_cache_of_the_session: Path) -> Path:
    """The folder of trained targets, with the victim and its sibling in it."""
    for name in ("digits", "digits-2"):
        target_model(TARGETS[name])
    return cache_folder() / "targets"


@pytest.fixture(scope="session")
def undisturbed(targets: Path, run_study: RunStudy, run_apart: Callable[[Path, RunStudy], Path]) -> Path:
    """A folder with a `whole` run of the study and its `cache`."""
    return run_apart(targets, run_study)


@pytest.fixture
def found() -> Callable[..., OwnershipObservation]:
    """Return a function that makes an observation of a kind, a similarity and whatever else is given."""

    def make(kind: str, similarity: float, seed: int = 1, **others: Any) -> OwnershipObservation:
        plain: dict[str, Any] = {
            "key": f"{kind}-{seed}-{similarity}-{others}",
            "plan": "whose",
            "scale": "laptop",
            "target": "digits",
            "row": kind,
            "settings": {},
            "relation": "unrelated" if kind.startswith("homologous") else "copy",
            "in_training": False,
            "control": kind == "none",
            "goal_value": None,
            "goal_reached": True,
            "notes": "",
            "accuracy": 0.9,
            "agreement": 0.8,
            "digest": f"{kind}{seed}",
            "similarities": {OWN: [similarity - 0.01, similarity + 0.01], PLAIN: [similarity / 2] * 2},
            "codes": {OWN: [[similarity, 1.0]] * 3, PLAIN: [[similarity, 0.5, 1.0]] * 3},
            "kept": {},
            "gaps": [0.0, 0.5],
        }
        return OwnershipObservation(kind=kind, seed=seed, **(plain | others))

    return make
