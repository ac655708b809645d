"""What every test may use: a tiny classifier, tiny data, one thread, and a cache of its own."""

import functools
import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import jaxtyping
import numpy as np
import pytest
from beartype import BeartypeConf, beartype
from filelock import FileLock
from PIL import Image

if TYPE_CHECKING:
    from modelprint.classifier import Classifier
    from modelprint.data import DataSet, LabelledImages
    from modelprint.fingerprint.ownership import OwnershipFingerprint
    from modelprint.fingerprint.ownership_parts import Reference

# Read when torch is first imported, and by every process a test starts. Results then do not depend on the machine's
# cores, and tiny networks are faster on one.
os.environ["OMP_NUM_THREADS"] = "1"
# Compiling takes longer than a test may; the test of the compiled variant switches it on.
os.environ["TORCH_COMPILE_DISABLE"] = "1"
if "torch" in sys.modules:
    sys.modules["torch"].set_num_threads(1)

# A wrong type is the error that Python itself would come to, which some callers expect of input from outside.
_check_annotations = beartype(conf=BeartypeConf(violation_type=TypeError))

_check_shapes = jaxtyping.jaxtyped
_shapes_of_a_call = _check_shapes("context")


def _is_array(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, jaxtyping.AbstractArray)


def _is_text(annotation: object) -> bool:
    return isinstance(annotation, str)


def _has(annotation: object, wanted: Callable[[object], bool]) -> bool:
    """Return whether `annotation` or a part of it is `wanted`."""
    if get_origin(annotation) is Literal:  # its texts are values
        return False
    parts = annotation if isinstance(annotation, list | tuple) else get_args(annotation)
    return wanted(annotation) or any(_has(part, wanted) for part in parts)


def _check_types(*functions: Any, typechecker: Any) -> Any:
    """Decorate like `jaxtyped`, but several times cheaper: it binds every call anew and checks arguments twice.

    Arguments and results are checked once each. Where an annotation names an array, the lengths that they give to axes
    are compared within the call; elsewhere there is nothing to compare. Text may name what only type checkers import,
    and is left to `jaxtyped`, and so are generators.
    """
    (fn,) = functions or (None,)
    annotations = tuple(inspect.get_annotations(fn).values()) if inspect.isfunction(fn) else ()
    if not inspect.isfunction(fn) or inspect.isgeneratorfunction(fn) or _has(annotations, _is_text):
        return _check_shapes(*functions, typechecker=typechecker)
    checked = _check_annotations(fn)
    if not _has(annotations, _is_array):
        return checked

    @functools.wraps(fn)
    def compare(*args: Any, **named: Any) -> Any:
        with _shapes_of_a_call:
            return checked(*args, **named)

    return compare


# What `--jaxtyping-packages` puts before every function, and what jaxtyping itself calls for methods and dataclasses.
jaxtyping.jaxtyped = jaxtyping._decorator.jaxtyped = _check_types

CACHE = "MODELPRINT_CACHE"
STATE = "MODELPRINT_STATE"
users_cache = os.environ.get(CACHE)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--runslow`, `--runheavy` and `--runinterop`."""
    parser.addoption("--runslow", action="store_true", help="also run the tests marked slow")
    parser.addoption("--runheavy", action="store_true", help="also run the tests marked heavy, as CI does")
    parser.addoption("--runinterop", action="store_true", help="also install real servers and ask them: make interop")


LONGEST = (
    "tamperings/test_suite.py",
    "bench/test_kill.py",
    "bench/ownership/test_study.py",
    "test_example_scripts.py",
    "demo/test_quickstart.py",
    "cli/test_examples.py",
    "cli/test_commands.py",
    "cli/test_own.py",
    "methods/test_junction.py",
    "tradeoff/test_measure.py",
    "engine/test_executor.py",
    "engine/test_processes.py",
    "verification/test_verifier.py",
    "generation/test_from_weights.py",
    "bench/test_run.py",
    "bench/test_report.py",
)
"""Files whose tests take longest, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest files first, so that parallel workers end at about the same time."""
    place = {Path(__file__).parent / name: index for index, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, with a reason, what this machine cannot or need not run."""
    if item.get_closest_marker("slow") and not item.config.getoption("--runslow"):
        pytest.skip("slow; run it with --runslow")
    if item.get_closest_marker("heavy") and not item.config.getoption("--runheavy"):
        pytest.skip("heavy; run it with --runheavy, as CI does")
    if item.get_closest_marker("interop") and not item.config.getoption("--runinterop"):
        pytest.skip("installs real servers; run it with: make interop")
    if item.get_closest_marker("data") and not Path(os.environ.get("MODELPRINT_DATA") or "missing").is_dir():
        pytest.skip("needs real data: set MODELPRINT_DATA to the folder that has it")
    if item.get_closest_marker("browser") and chromium() is None:
        pytest.skip(f"needs a browser: install one of {', '.join(BROWSERS)}")


def chromium() -> str | None:
    """Return the path of a Chromium that this machine has."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@pytest.fixture
def screenshot(tmp_path: Path) -> Callable[..., tuple[Image.Image, list[str]]]:
    """Return a function of a page and a size: the picture that Chromium makes of it, and what it complains about."""

    def take(page: Path, width: int = 1280, height: int = 2000) -> tuple[Image.Image, list[str]]:
        picture = tmp_path / f"{page.stem}.png"
        switches = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000"]
        switches += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},{height}"]
        switches += ["--enable-logging=stderr", "--v=0", f"--screenshot={picture}"]
        command = [chromium() or BROWSERS[0], *switches, page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        return Image.open(picture).convert("RGB"), [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    return take


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep what the tests cache out of the user's own folder."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv(CACHE, str(folder))
        patch.setenv(STATE, str(tmp_path_factory.mktemp("state")))
        yield folder


@pytest.fixture(autouse=True)
def _ledgers_of_the_test(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test see what another one asked."""
    monkeypatch.setenv(STATE, str(tmp_path_factory.mktemp("state")))


@pytest.fixture(autouse=True)
def _users_cache_for_real_data(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests on real data keep decoded images between runs: decoding a large set takes most of a minute."""
    if request.node.get_closest_marker("data"):
        monkeypatch.delenv(CACHE)
        if users_cache is not None:
            monkeypatch.setenv(CACHE, users_cache)


@pytest.fixture(scope="session")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a function that fills a folder, unless another worker has filled it: no test may change it afterwards."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        filled = shared / f"{name}-filled"
        with FileLock(shared / f"{name}.lock"):
            if not filled.exists():
                (shared / name).mkdir(exist_ok=True)
                fill(shared / name)
                filled.touch()
        return shared / name

    return make


@pytest.fixture(scope="session")
def tiny_data() -> "LabelledImages":
    """96 grey 8x8 images of 4 classes: the class says which quarter is brighter than the noise."""
    from modelprint.data import LabelledImages

    rng = np.random.default_rng(0)
    labels = np.arange(96, dtype=np.int64) % 4
    pixels = rng.integers(0, 205, (96, 1, 8, 8), dtype=np.uint8)
    for index, label in enumerate(labels):
        top, left = 4 * (label // 2), 4 * (label % 2)
        pixels[index, :, top : top + 4, left : left + 4] += 50
    names = ("top left", "top right", "bottom left", "bottom right")
    return LabelledImages(pixels=pixels, labels=labels, class_names=names, name="tiny")


@pytest.fixture(scope="session")
def split(tiny_data: "LabelledImages") -> "DataSet":
    """`tiny_data` as a data set: 64 images to learn from, 32 to test on."""
    from modelprint.data import DataSet

    return DataSet(name="tiny", train=tiny_data.take(range(64)), test=tiny_data.take(range(64, 96)))


@pytest.fixture(scope="session")
def _trained(split: "DataSet") -> "Classifier":
    """The small digits network after some full-batch steps: right on nearly every image, sure of few."""
    import torch

    from modelprint.classifier import Classifier
    from modelprint.networks import NETWORKS
    from modelprint.tensors import to_images

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = NETWORKS["digits"].make(class_count=4, channels=1)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.003)
    images, labels = to_images(split.train.pixels), torch.from_numpy(split.train.labels)
    for _ in range(20):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        optimiser.step()
    return Classifier(network, image_shape=(1, 8, 8), class_count=4, name="tiny")


@pytest.fixture
def tiny_model(_trained: "Classifier") -> "Classifier":
    """A trained classifier of `tiny_data`; each test gets a copy it may spoil."""
    return _trained.copy()


OWNED = {
    "settings": {"steps": 40, "step": 0.01, "inner": {"share": 1}},
    "seed": 7,
    "network": "digits",
    "model_sha256": "0123456789abcdef" * 4,
    "data": "digits/train",
    "data_sha256": "fedcba9876543210" * 4,
    "created": "2026-01-31T12:00:00Z",
    "version": "0.1.0",
    "crafted": 4,
    "lost_rounding": 0,
    "lost_steadiness": 0,
    "notes": {"victim": "accuracy 0.9000"},
}


def _references(unrelated: int, copies: int, matches: bool) -> "tuple[Reference, ...]":
    """Return unrelated models, with 0 or 1 matches in turn, then copies, with 3 or 4."""
    from modelprint.fingerprint.ownership_parts import Reference

    return tuple(
        Reference(
            relation="copy" if index >= unrelated else "unrelated",
            made="prune-80" if index >= unrelated else "retrain-all-short",
            seed=index,
            model_sha256=f"{index:064x}",
            accuracy=0.875,
            matches=(index % 2 + (3 if index >= unrelated else 0)) if matches else None,
        )
        for index in range(unrelated + copies)
    )


@pytest.fixture
def told_by_labels() -> "Callable[..., OwnershipFingerprint]":
    """Return a function of the counts of references: an ownership fingerprint of four examples, labels 0, 1, 2, 0."""

    def make(unrelated: int = 19, copies: int = 9) -> "OwnershipFingerprint":
        from modelprint.fingerprint.ownership import OwnershipFingerprint
        from modelprint.fingerprint.ownership_parts import ByLabels
        from modelprint.fingerprint.parts import Preprocessing, Provenance
        from modelprint.pixels import Picture

        ramp = np.arange(64).reshape(1, 8, 8)
        pictures = tuple(Picture.of(((ramp * 3 + 17 * index) % 256).astype(np.uint8)) for index in range(4))
        return OwnershipFingerprint(
            class_names=("zero", "one", "two"),
            preprocessing=Preprocessing(channels=1, height=8, width=8, colour="L"),
            provenance=Provenance(method="c-examples", **OWNED),
            references=_references(unrelated, copies, matches=True),
            evidence=ByLabels(pictures=pictures, labels=(0, 1, 2, 0)),
        )

    return make


@pytest.fixture
def told_by_views() -> "Callable[..., OwnershipFingerprint]":
    """Return a function as above: three views of two points in 2x2 pictures; copies lie near the victim."""

    def make(unrelated: int = 19, copies: int = 9) -> "OwnershipFingerprint":
        from modelprint.fingerprint.ownership import OwnershipFingerprint
        from modelprint.fingerprint.ownership_parts import ByViews
        from modelprint.fingerprint.parts import Preprocessing, Provenance

        rng, (views, points, hidden, features) = np.random.default_rng(0), (3, 2, 5, 4)
        length = 2 * points * 3
        index = np.array([[0, 1], [1, 2], [2, 3]], dtype="<i8")
        answers = rng.dirichlet((1.0, 1.0, 1.0), (4, 2))  # of each picture, before and after the perturbation
        victim = answers[index].reshape(views, length).astype("<f4")
        layers = rng.random((hidden, length)).astype("<f4"), rng.random((features, hidden)).astype("<f4")
        near, away = victim @ layers[0].T @ layers[1].T, np.eye(features, dtype="<f4")[:views]
        some = _references(unrelated, copies, matches=False)
        represented = np.stack([near if one.relation == "copy" else away for one in some])
        evidence = ByViews(
            pixels=rng.integers(0, 256, (4, 1, 2, 2), dtype=np.uint8),
            index=index,
            levels=np.full((1, 2, 2), 9, dtype="<i2"),
            victim=victim,
            represented=(represented + rng.random(represented.shape) * 1e-3).astype("<f4"),
            weights={
                "hidden_weight": layers[0],
                "hidden_bias": np.zeros(hidden, dtype="<f4"),
                "features_weight": layers[1],
                "features_bias": np.zeros(features, dtype="<f4"),
            },
            fooled=8,
            tested=10,
            wanted=0.75,
            encoder={"hidden": hidden, "features": features, "temperature": 0.5},
            seen=("0123456789abcdef" * 4, "ab" * 32),
        )
        return OwnershipFingerprint(
            class_names=("zero", "one", "two"),
            preprocessing=Preprocessing(channels=1, height=2, width=2, colour="L"),
            provenance=Provenance(method="uap", **OWNED),
            references=some,
            evidence=evidence,
        )

    return make
