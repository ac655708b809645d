"""What the tests of runs share: a plan that takes a second or two, and caches that know its target already."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from modelprint.bench.folder import RunFolder
from modelprint.bench.plan_file import parse_plan
from modelprint.bench.run import Summary, run
from modelprint.bench.targets import TARGETS, target_model
from modelprint.cache import VARIABLE, cache_folder
from modelprint.engine import Executor, Job, JobResult, Serial

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


class Fails(Serial):
    """Cannot do the jobs whose labels begin with a text."""

    def __init__(self, label: str, **result: Any) -> None:
        super().__init__()
        self.label, self.result = label, result

    def run(self, jobs: Sequence[Job[Any]]) -> Iterator[JobResult[Any]]:
        for job in jobs:
            failed = job.label.startswith(self.label)
            yield JobResult(key=job.key, **self.result) if failed else next(super().run([job]))


class Stopped(Serial):
    """Is stopped by Ctrl-C before the job whose label begins with a text."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self.label = label

    def run(self, jobs: Sequence[Job[Any]]) -> Iterator[JobResult[Any]]:
        for job in jobs:
            if job.label.startswith(self.label):
                raise KeyboardInterrupt
            yield from super().run([job])


@pytest.fixture
def fails() -> type[Serial]:
    """An executor that cannot do some jobs."""
    return Fails


@pytest.fixture
def stops() -> type[Serial]:
    """An executor that Ctrl-C stops."""
    return Stopped


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
def run_apart(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, RunTiny], Path]:
    """Make a folder with `whole`, a run from beginning to end, and `cache`, what it left there beside the targets."""

    def call(targets: Path, run_plan: RunTiny) -> Path:
        folder = tmp_path_factory.mktemp("undisturbed")
        shutil.copytree(targets, folder / "cache" / "targets")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(VARIABLE, str(folder / "cache"))
            run_plan(folder / "whole")
        return folder

    return call


@pytest.fixture(scope="session")
def undisturbed(targets: Path, run_tiny: RunTiny, run_apart: Callable[[Path, RunTiny], Path]) -> Path:
    """A folder with a `whole` run of the tiny plan and its `cache`."""
    return run_apart(targets, run_tiny)


@pytest.fixture
def whole(undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """The folder of a run that nothing disturbed; `cache` beside it is what it left in its cache."""
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return RunFolder(tmp_path / "whole")
