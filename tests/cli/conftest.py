"""A small world for the command line: tiny data with a known name, a network that learned it, a file, a server."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from modelprint.cli import run


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process; gives its exit code and what it printed."""

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Done(code, printed.out, printed.err)

    return call


def _images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy images, each class brighter in its own rows."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    pixels = rng.integers(0, 120, (count, 32, 32, 3), dtype=np.uint8)
    for index, label in enumerate(labels):
        pixels[index, 3 * label : 3 * label + 3] += 110
    return pixels, labels


def _write_parquet(path: Path, pixels: np.ndarray, labels: np.ndarray) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from modelprint.pixels import encode_png

    files = [{"bytes": encode_png(image.transpose(2, 0, 1)), "path": None} for image in pixels]
    names = json.dumps([f"thing {label}" for label in range(10)])
    table = pa.table({"img": files, "label": labels}).replace_schema_metadata({"class_names": names})
    pq.write_table(table, path)


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose cifar10 has 60 training and 20 test images."""
    folder = tmp_path_factory.mktemp("data")
    _write_parquet(folder / "cifar10_train.parquet", *_images(60, seed=0))
    _write_parquet(folder / "cifar10_test.parquet", *_images(20, seed=1))
    return folder


@pytest.fixture
def data_set(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands find the tiny cifar10."""
    monkeypatch.setenv("MODELPRINT_DATA", str(data_folder))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, data_folder: Path) -> Path:
    """A folder with the files that the examples of the commands name, made by the commands themselves."""
    import torch

    from modelprint.classifier import Classifier
    from modelprint.data import load_data
    from modelprint.loading import save_weights
    from modelprint.networks import NETWORKS
    from modelprint.streams import stream
    from modelprint.training import ImageBatches, Recipe, train

    folder = tmp_path_factory.mktemp("made")
    weights = folder / "cifar10_resnet20.safetensors"
    named = ["--network", "resnet20", "--weights", str(weights), "--data", "cifar10"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELPRINT_DATA", str(data_folder))
        data = load_data("cifar10")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = NETWORKS["resnet20"].make(class_count=10, channels=3)
        recipe = Recipe(optimiser="adam", learning_rate=3e-3, batch=20, epochs=8)
        train(network, ImageBatches(data=data.train), recipe, stream(0, "cli"))
        save_weights(Classifier(network, image_shape=(3, 32, 32), class_count=10, name="resnet20"), weights)
        sealed = ["--method", "bisection", "--count", "24", "--profile", "exact", "--allow-fewer"]
        sealed += ["--expected-flip-rate", "0.25"]
        assert run(["generate", *named, *sealed, "--output", str(folder / "r20.mprint")]) == 0
        suspect = folder / "suspects" / "finetuned.safetensors"
        assert run(["tamper", *named, "--kind", "finetune-last-1e-3", "--output", str(suspect)]) == 0
        few = ["--count", "8", "--set", "steps=20", "--set", "noise=0", "--set", "band=1", "--alpha", "0.5"]
        models = ["--unrelated", "retrain-all-short*1", "--copies", "none"]
        assert run(["own", "seal", *named, *few, *models, "--output", str(folder / "own.mprint")]) == 0
        transcript = ["--transcript", str(folder / "today.jsonl")]
        assert run(["verify", str(folder / "r20.mprint"), *named[:4], *transcript]) == 0
    return folder


@pytest.fixture
def world(made: Path, data_set: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the made folder, as the working folder."""
    folder = tmp_path / "world"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def benched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plan of the smoke test, cut down to three fingerprints, and a run of it."""
    folder = tmp_path_factory.mktemp("benched")
    (folder / "plans").mkdir()
    text = (Path(__file__).parents[2] / "plans" / "smoke.toml").read_text()
    plan = folder / "plans" / "smoke.toml"
    plan.write_text(f'{text}\n[scales.smoke]\nmodels = 1\nfingerprints = ["natural", "bisection", "ssf"]\n')
    output = folder / "runs" / "smoke-smoke"
    line = ["bench", "run", str(plan), "--scale", "smoke", "--executor", "serial", "--output", str(output), "--quiet"]
    assert run(line) == 0
    return folder


@pytest.fixture
def bench_world(benched: Path, world: Path) -> Path:
    """The working folder with that plan and that run in it."""
    shutil.copytree(benched, world, dirs_exist_ok=True)
    return world


@pytest.fixture(scope="session")
def server(made: Path) -> Iterator[str]:
    """The URL of a demo server of the sealed network."""
    from modelprint.demo.server import build_app, run_in_background
    from modelprint.loading import load_classifier

    model = load_classifier("resnet20", made / "cifar10_resnet20.safetensors")
    names = [f"thing {label}" for label in range(10)]
    with run_in_background(build_app(model, name="resnet20", class_names=names)) as url:
        yield url


@pytest.fixture
def endpoint(world: Path, server: str) -> Path:
    """The description of that server, where the examples expect it."""
    path = world / "endpoint.yaml"
    path.write_text(f"endpoint: {{kind: open-inference, url: '{server}', model: resnet20}}\n")
    return path


@pytest.fixture
def started() -> Callable[..., Any]:
    """Start a command in a process of its own; see `call`."""

    def call(line: list[Any], folder: Path, **environment: str) -> subprocess.Popen[str]:
        """Start a command that Ctrl-C reaches, even where the test runner itself ignores it."""
        return subprocess.Popen(
            list(map(str, line)),
            cwd=folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return call


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait for something; see `call`."""

    def call(attempt: Any, tries: int = 600) -> Any:
        """Return the first result of `attempt` that is true, trying again while there is none."""
        for _ in range(tries):
            try:
                if result := attempt():
                    return result
            except (httpx.TransportError, OSError):
                pass
            time.sleep(0.05)
        raise AssertionError("it never happened")

    return call
