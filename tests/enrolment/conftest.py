"""A small release with controls, and deployments of it and of other models behind the demo server."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest
import torch
from fastapi import FastAPI, Request
from fastapi.responses import Response
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.crafting.margins import top_two_gap
from modelprint.data import DataSet
from modelprint.demo.server import build_app, run_in_background
from modelprint.fingerprint.blocks import Control
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.generation.from_weights import generate
from modelprint.generation.measures import Measures
from modelprint.methods.bisection import Bisection
from modelprint.oracles.endpoint import open_oracle, parse_endpoint
from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import Picture
from modelprint.tensors import to_images

Go = Callable[[Request], Awaitable[Response]]
Middleware = Callable[[Request, Go], Awaitable[Response]]

MEASURES = Measures(expected_flip_rate=0.25)


def seal(model: Classifier, split: DataSet) -> Fingerprint:
    """Return 24 bisected samples and the twelve test images with the widest margins as controls."""
    sealed, _ = generate(model, split, Bisection(), count=24, profile="exact", seed=3, measures=MEASURES)
    pixels = split.test.pixels
    logits = model.logits(to_images(pixels)).double()
    gaps = top_two_gap(logits)
    controls = tuple(
        Control(picture=Picture.of(pixels[index]), label=int(logits[index].argmax()), margin=float(gaps[index]))
        for index in gaps.argsort(descending=True)[:12].tolist()
    )
    samples = tuple(replace(sample, source=None, source_label=None) for sample in sealed.samples)
    profile = replace(sealed.profile, name="fp32")  # one machine, so nothing differs that the profile would cover
    return replace(sealed, samples=samples, controls=controls, scores=None, releases=(), profile=profile)


@pytest.fixture(scope="session")
def release(_trained: Classifier, split: DataSet) -> Fingerprint:
    """A release of the tiny model."""
    return seal(_trained, split)


@contextmanager
def serve(
    model: Classifier, release: Fingerprint, middleware: Middleware | None = None, **keys: object
) -> Iterator[RemoteOracle]:
    """Serve `model` behind HTTP; `middleware` sees every request, `keys` are further keys of the endpoint file."""
    app: FastAPI = build_app(model, class_names=release.class_names)
    if middleware is not None:
        app.middleware("http")(middleware)
    with run_in_background(app) as url:
        described = {
            "kind": "http",
            "url": f"{url}/classify",
            "request": {"encoding": "raw", "image": "png_bytes"},
            "response": {"label": "$.label"},
            "retry": {"attempts": 1, "backoff_s": [0, 0]},
        }
        yield open_oracle(parse_endpoint({"endpoint": described | keys}), release.class_names)


class InTurn(nn.Module):
    """Answers with one network after another."""

    def __init__(self, *networks: nn.Module) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.calls = 0

    def forward(self, images: Tensor) -> Tensor:
        """Compute with the next network."""
        self.calls += 1
        answer: Tensor = self.networks[self.calls % len(self.networks)](images)
        return answer


class Permuted(nn.Module):
    """Answers with the classes in another order."""

    def __init__(self, network: nn.Module, *order: int) -> None:
        super().__init__()
        self.network, self.order = network, list(order)

    def forward(self, images: Tensor) -> Tensor:
        """Compute, and put the logits in order."""
        answer: Tensor = self.network(images)[:, self.order]
        return answer


class AtRandom(nn.Module):
    """Answers anything."""

    def forward(self, images: Tensor) -> Tensor:
        """Return noise."""
        return torch.randn(len(images), 4)


class Inverted(nn.Module):
    """Takes black for white."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Compute on the negative."""
        answer: Tensor = self.network(1 - images)
        return answer


def dent(model: Classifier, scale: float = 0.1) -> Classifier:
    """Return a model with slightly other weights in its last layer."""
    other = model.copy()
    rng = torch.Generator().manual_seed(1)
    weight = other.head.weight.data
    weight += scale * weight.std() * torch.randn(weight.shape, generator=rng)
    return other


def cast(model: Classifier, dtype: torch.dtype = torch.bfloat16) -> Classifier:
    """Return the model served in another type."""
    return model.with_network(model.copy().network.to(dtype))


VARIANTS: dict[str, Callable[[Classifier], Classifier]] = {
    "as it is": Classifier.copy,
    "bfloat16": cast,
    "dented": dent,
    "inverted": lambda model: model.with_network(Inverted(model.copy().network)),
    "permuted": lambda model: model.with_network(Permuted(model.copy().network, 1, 2, 3, 0)),
    "two classes swapped": lambda model: model.with_network(Permuted(model.copy().network, 0, 1, 3, 2)),
    "at random": lambda model: model.with_network(AtRandom()),
    "in turn with a dented one": lambda model: model.with_network(InTurn(model.copy().network, dent(model).network)),
    "in turn with an inverted one": lambda model: model.with_network(
        InTurn(model.copy().network, Inverted(model.copy().network))
    ),
}


@pytest.fixture
def variant(tiny_model: Classifier) -> Callable[[str], Classifier]:
    """Return the maker of a deployed model by its name in VARIANTS."""
    return lambda name: VARIANTS[name](tiny_model)


@pytest.fixture(name="serve")
def _serve() -> Callable[..., AbstractContextManager[RemoteOracle]]:
    """Return `serve`."""
    return serve
