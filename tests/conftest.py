"""What every test may use: a tiny classifier, tiny data, one thread, and a cache of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from modelprint.classifier import Classifier
    from modelprint.data import DataSet, LabelledImages

# Read when torch is first imported, and by every process a test starts. Results then do not depend on the machine's
# cores, and tiny networks are faster on one.
os.environ["OMP_NUM_THREADS"] = "1"
# Compiling takes longer than a test may; the test of the compiled variant switches it on.
os.environ["TORCH_COMPILE_DISABLE"] = "1"
if "torch" in sys.modules:
    sys.modules["torch"].set_num_threads(1)

CACHE = "MODELPRINT_CACHE"
users_cache = os.environ.get(CACHE)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--runslow`."""
    parser.addoption("--runslow", action="store_true", help="also run the tests marked slow")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, with a reason, what this machine cannot or need not run."""
    if item.get_closest_marker("slow") and not item.config.getoption("--runslow"):
        pytest.skip("slow; run it with --runslow")
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
        yield folder


@pytest.fixture(autouse=True)
def _users_cache_for_real_data(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests on real data keep decoded images between runs: decoding a large set takes most of a minute."""
    if request.node.get_closest_marker("data"):
        monkeypatch.delenv(CACHE)
        if users_cache is not None:
            monkeypatch.setenv(CACHE, users_cache)


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
