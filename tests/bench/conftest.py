"""What the tests of runs share: a plan that takes a second or two, and caches that know its target already."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from modelprint.bench.folder import RunFolder
from modelprint.bench.plan import parse_plan
from modelprint.bench.run import Summary, run
from modelprint.bench.targets import TARGETS, target_model
from modelprint.cache import VARIABLE, cache_folder
from modelprint.engine import Executor, Serial

TINY = """
name = "tiny"
title = "A test"
target = "digits"
models = 2
zoo = ["flip-sign*2"]
suspects = [
    { row = "Pruning", kind = "prune-20" },
    { row = "Flipped sign", kind = "flip-sign" },
    { row = "Bit flip", kind = "bit-flip", models = 1, reference = "int8-weights" },
    { row = "Nothing changed", kind = "none", control = true },
]
fingerprints = [
    { name = "natural", method = "natural", count = 6, profile = "exact" },
    { name = "bisection", method = "bisection", count = 8, profile = "exact" },
    { name = "floats", method = "bisection", count = 8, form = "float" },
]
"""

RunTiny = Callable[..., Summary]


@pytest.fixture
def tiny_plan() -> str:
    """A plan with 15 observations of five suspects."""
    return TINY


@pytest.fixture(scope="session")
def run_tiny() -> RunTiny:
    """Run the tiny plan, or another text, into a folder; here unless another executor is given."""

    def call(
        folder: Path, executor: Executor | None = None, text: str = TINY, most_models: int | None = None
    ) -> Summary:
        return run(
            parse_plan(text),
            "laptop",
            executor or Serial(),
            RunFolder(folder),
            text=text,
            command="modelprint bench run x",
            most_models=most_models,
        )

    return call


@pytest.fixture(scope="session")
def targets(_cache_of_the_session: Path) -> Path:
    """The folder of trained targets, with the tiny one in it."""
    target_model(TARGETS["digits"])
    return cache_folder() / "targets"


@pytest.fixture
def new_cache(targets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Change to a cache in which there is nothing but trained targets."""

    def call(name: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(targets, folder / "targets")
        monkeypatch.setenv(VARIABLE, os.fspath(folder))
        return folder

    return call


@pytest.fixture(scope="session")
def undisturbed(targets: Path, run_tiny: RunTiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `whole`, a run of the tiny plan from beginning to end, and `cache`, what it left there."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(targets, folder / "cache" / "targets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder / "cache"))
        run_tiny(folder / "whole")
    return folder
