"""An untouched network behind a server that prepares pictures differently is never *tampered* without the doubt.

Real HTTP: the demo server serves the network behind each change, and `verify` and `endpoint probe` ask it.
"""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi import FastAPI, Request
from PIL import Image
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.demo.server import build_app, run_in_background
from modelprint.fingerprint.blocks import Control
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import Preprocessing, Release, Sample
from modelprint.oracles.variants import SWAPPED
from modelprint.pixels import Picture
from modelprint.tensors import to_images

FILE = Path(__file__).parents[1] / "golden" / "format-1.mprint"
CLASSES = ("c1", "c2", "c3", "c10", "c11")
SHAPE = (3, 16, 16)
NAME = "m"
Change = Callable[[Tensor], Tensor]


class Changed(nn.Module):
    """A network behind a change of its pictures, with noise on its scores."""

    def __init__(self, network: nn.Module, change: Change, noise: float) -> None:
        super().__init__()
        self.network, self.change, self.noise = network, change, noise

    def forward(self, images: Tensor) -> Tensor:
        logits = self.network(self.change(images))
        return logits + self.noise * torch.randn_like(logits)


def through_pillow(change: Callable[[Image.Image], Image.Image]) -> Change:
    """Return a change of tensors from a change of files."""

    def apply(images: Tensor) -> Tensor:
        grey = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        changed = np.stack([np.asarray(change(Image.fromarray(one))) for one in grey])
        return torch.from_numpy(changed.copy()).permute(0, 3, 1, 2).float() / 255

    return apply


def compress(image: Image.Image) -> Image.Image:
    """Make it a JPEG file of quality 90."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return Image.open(buffer).convert("RGB")


def enlarge_and_reduce(image: Image.Image) -> Image.Image:
    """Resize it to 64 pixels and back."""
    large = image.resize((64, 64), Image.Resampling.BILINEAR)
    return large.resize(image.size, Image.Resampling.BILINEAR)


CHANGES: dict[str, Change] = {
    "bgr": lambda images: images.flip(1),
    "resize": through_pillow(enlarge_and_reduce),
    "jpeg-90": through_pillow(compress),
    "mean-std": lambda images: (images - 0.5) / 0.5,
    "half": lambda images: (images - 0.5) / 0.5 * 0.229 + 0.485,
    "unit": lambda images: images / 255,
}


def draw(rng: np.random.Generator) -> np.ndarray:
    """Return a soft random picture."""
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((16, 16), Image.Resampling.BICUBIC)).transpose(2, 0, 1).copy()


def approach(model: Classifier, source: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the first picture between two that has another label than the source."""
    near, far = 0.0, 1.0
    home = int(model.labels(to_images(source[None]))[0])
    for _ in range(12):
        middle = (near + far) / 2
        stayed = int(model.labels(to_images(mix(source, other, middle)[None]))[0]) == home
        near, far = (middle, far) if stayed else (near, middle)
    return mix(source, other, far)


def mix(source: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """Return a picture on the line between two."""
    return np.round((1 - share) * source + share * other).astype(np.uint8)


@pytest.fixture(scope="module")
def model() -> Classifier:
    """A random linear network: classes in every direction, and no training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = nn.Sequential(nn.Flatten(), nn.Linear(768, len(CLASSES)))
    weights = network[1].weight
    assert isinstance(weights, Tensor)
    with torch.no_grad():
        network[1].bias.copy_(-weights.sum(1) * 0.5)  # so that a grey picture has no class
    return Classifier(network.eval(), image_shape=SHAPE, class_count=len(CLASSES), name=NAME)


@pytest.fixture(scope="module")
def sealed(model: Classifier) -> Fingerprint:
    """Thirty samples at boundaries with their sources, eight controls, and the labels under each change."""
    rng = np.random.default_rng(5)
    drawn = np.stack([draw(rng) for _ in range(600)])
    logits = model.logits(to_images(drawn))
    labels, best = logits.argmax(1).numpy(), logits.topk(2, dim=1).values
    margins = (best[:, 0] - best[:, 1]).double().numpy()
    pairs = [(i, j) for i, j in zip(range(0, 300, 2), range(1, 300, 2), strict=True) if labels[i] != labels[j]][:30]
    pixels = np.stack([approach(model, drawn[i], drawn[j]) for i, j in pairs])
    expected = model.labels(to_images(pixels)).tolist()
    base = Fingerprint.load(FILE)
    return replace(
        base,
        samples=tuple(
            Sample(picture=Picture.of(one), label=label, margin=0.0, confidence=0.5, source_label=int(labels[i]))
            for one, label, (i, _) in zip(pixels, expected, pairs, strict=True)
        ),
        controls=tuple(
            Control(picture=Picture.of(drawn[i]), label=int(labels[i]), margin=float(margins[i]))
            for i in sorted(range(300, 600), key=lambda i: -margins[i])[:8]
        ),
        class_names=CLASSES,
        preprocessing=Preprocessing(channels=3, height=16, width=16, colour="RGB"),
    )


@pytest.fixture(scope="module")
def explaining(model: Classifier, sealed: Fingerprint) -> Fingerprint:
    """The same file with the labels of the network under each change."""
    pixels = to_images(np.stack([sample.picture.pixels for sample in sealed.samples]))
    releases = [
        Release(name=name, labels=tuple(model.labels(change(pixels)).tolist()), preprocessing=name)
        for name, change in CHANGES.items()
    ]
    return replace(sealed, releases=tuple(releases))


@pytest.fixture
def ask(command: Any, tmp_path: Path, model: Classifier) -> Callable[..., Any]:
    """A function that serves a network and runs a command on it; gives exit code and JSON."""

    @contextmanager
    def serve(network: nn.Module, names: tuple[str, ...]) -> Iterator[Path]:
        served = Classifier(network.eval(), image_shape=SHAPE, class_count=len(CLASSES), name=NAME)
        with run_in_background(build_app(served, class_names=names)) as url:
            path = tmp_path / "endpoint.yaml"
            path.write_text(
                f"endpoint: {{kind: http, url: '{url}/classify', request: {{encoding: raw, image: png_bytes}},"
                " response: {label: $.label}}\n"
            )
            yield path

    def run(
        fingerprint: Fingerprint,
        change: Change = lambda images: images,
        *options: object,
        network: nn.Module | None = None,
        noise: float = 0.0,
        names: tuple[str, ...] = CLASSES,
    ) -> tuple[int, dict[str, Any]]:
        fingerprint.save(tmp_path / "f.mprint")
        with serve(Changed(network or model.network, change, noise), names) as endpoint:
            done = command("verify", tmp_path / "f.mprint", "--endpoint", endpoint, "--json", "--fresh", *options)
        return done.code, json.loads(done.out)

    return run


def test_the_network_itself_is_intact(ask: Any, explaining: Fingerprint) -> None:
    """And costs no question more."""
    code, verdict = ask(explaining)

    assert (code, verdict["outcome"], verdict["asked"], verdict["controls"]) == (0, "intact", 17, None)


@pytest.mark.parametrize("name", CHANGES)
def test_a_known_preprocessing_is_named(ask: Any, explaining: Fingerprint, name: str) -> None:
    """From its labels in the file: inconclusive, whatever the controls say."""
    code, verdict = ask(explaining, CHANGES[name])

    assert (code, verdict["outcome"]) == (3, "inconclusive")
    assert verdict["identification"]["preprocessing"] == name
    assert any(reason.startswith("explained by ") for reason in verdict["reasons"])


def test_swapped_colours_are_found_without_their_labels(ask: Any, sealed: Fingerprint) -> None:
    """By sending the pictures swapped."""
    code, verdict = ask(sealed, CHANGES["bgr"])

    assert (code, verdict["controls"]["explained_by"]) == (3, SWAPPED)


def test_another_scale_is_no_verdict_without_its_labels(ask: Any, sealed: Fingerprint) -> None:
    """The controls are wrong too."""
    code, verdict = ask(sealed, CHANGES["unit"])

    assert (code, verdict["outcome"]) == (3, "inconclusive")
    assert "ordinary pictures get another label too" in verdict["reasons"][1]
    assert "they arrive on another scale, or are not read" in verdict["reasons"][2]


@pytest.mark.parametrize(
    ("prepare", "line"),
    [
        (lambda image: image, "request.values: unit"),
        (lambda image: image.flip(1) / 255, "request.colours: bgr"),
        (lambda image: image * 0.5 + 0.5, "request.mean: [127.5], request.std: [127.5]"),
    ],
)
def test_the_key_of_the_endpoint_file_is_named(
    command: Any, tmp_path: Path, model: Classifier, sealed: Fingerprint, prepare: Change, line: str
) -> None:
    """A server that takes arrays as they are, and a description that sends other numbers than it wants."""
    app = FastAPI()

    @app.post("/array")
    async def classify(request: Request) -> dict[str, str]:
        numbers = torch.tensor((await request.json())["image"], dtype=torch.float32)[None]
        return {"label": CLASSES[int(model.network(prepare(numbers)).argmax())]}

    sealed.save(tmp_path / "f.mprint")
    with run_in_background(app) as url:
        path = tmp_path / "endpoint.yaml"
        request, response = "request: {image: array_chw}", "response: {label: $.label}"
        path.write_text(f"endpoint: {{kind: http, url: '{url}/array', {request}, {response}}}\n")
        done = command("verify", tmp_path / "f.mprint", "--endpoint", path)

    assert done.code == 3
    assert f"put {line} into the endpoint file" in done.out


@pytest.mark.parametrize("name", ["resize", "jpeg-90"])
def test_a_small_change_is_named_as_a_doubt(ask: Any, sealed: Fingerprint, name: str) -> None:
    """Controls survive it; the labels of the sources come back."""
    code, verdict = ask(sealed, CHANGES[name])

    assert code == 1
    assert verdict["doubts"]["reading"] == "pictures" or verdict["doubts"]["flips"] < 3
    assert any("those of the source pictures" in reason for reason in verdict["reasons"])


def test_noise_on_the_scores_is_named_as_a_doubt(ask: Any, sealed: Fingerprint) -> None:
    """Samples that are asked again get other labels."""
    code, verdict = ask(sealed, noise=0.05)

    assert code == 1
    assert verdict["controls"]["varied"] > 0
    assert any("the answers vary" in reason for reason in verdict["reasons"])


def test_another_order_of_the_classes_is_named_with_its_label_map(ask: Any, sealed: Fingerprint) -> None:
    """A server whose names are in text order answers c10 for c2."""
    code, verdict = ask(sealed, names=tuple(str(index) for index in (0, 3, 4, 1, 2)))

    assert (code, verdict["outcome"]) == (3, "inconclusive")
    assert 'labels: {"0": "c1", "1": "c10", "2": "c11", "3": "c2", "4": "c3"}' in " ".join(verdict["reasons"])


@pytest.mark.parametrize("seed", range(4))
def test_a_changed_network_is_tampered_with_and_without_controls(
    ask: Any, model: Classifier, explaining: Fingerprint, seed: int
) -> None:
    """Noise on its weights; the controls take no detection away."""
    changed = model.copy().network
    weights = changed[1].weight
    with torch.no_grad():
        weights.add_(0.2 * weights.std() * torch.randn(weights.shape, generator=torch.Generator().manual_seed(seed)))

    (code, verdict), (without, _) = (
        ask(explaining, network=changed),
        ask(explaining, lambda x: x, "--no-controls", network=changed),
    )

    assert (code, without) == (1, 1)
    assert verdict["controls"]["right"] == verdict["controls"]["usable"] == 8


def test_a_probe_knows_which_agreement_to_expect(
    command: Any, tmp_path: Path, model: Classifier, sealed: Fingerprint
) -> None:
    """From the ordinary images in the file."""
    sealed.save(tmp_path / "f.mprint")
    said = {}
    for name, change in {"rightly": lambda images: images, "bgr": CHANGES["bgr"]}.items():
        served = Classifier(
            Changed(model.network, change, 0.0).eval(), image_shape=SHAPE, class_count=len(CLASSES), name=NAME
        )
        with run_in_background(build_app(served, class_names=CLASSES)) as url:
            path = tmp_path / "endpoint.yaml"
            path.write_text(f"endpoint: {{kind: open-inference, url: '{url}', model: {NAME}}}\n")
            said[name] = command("endpoint", "probe", path, "--fingerprint", tmp_path / "f.mprint").out

    assert "agreement      8 of 8 have the expected label, as they should" in said["rightly"]
    assert "have the expected label; all should: check labels, colours" in said["bgr"]
