"""A sealed file with controls, and a server whose model, pictures and labels can be changed one by one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from modelprint.fingerprint.blocks import Control
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import Preprocessing
from modelprint.oracles.oracle import Answer
from modelprint.pixels import OnePixels, Picture

FORMAT_1 = Path(__file__).parents[1] / "golden" / "format-1.mprint"
CLASSES = ("c1", "c10", "c2", "c3", "c4")
SAMPLES, CONTROLS = 40, 8


def paint(number: int) -> OnePixels:
    """Return colour noise that is another one for every number."""
    return np.random.default_rng(number).integers(0, 256, (3, 6, 6), dtype=np.uint8)


@dataclass
class Server:
    """Answers from memory: pictures it knows get their labels, all others the class "c4".

    Attributes:
        labels: Label of each picture, by its pixels; None is an answer without a label.
        prepare: What happens to a picture before the model sees it.
        rename: What the server calls a class; None is an answer without a label.
        asked: Pictures it was asked about.
        stop: After how many questions Ctrl-C is pressed.
        server: Hints it gives about itself.
    """

    labels: dict[bytes, int | None]
    prepare: Callable[[OnePixels], OnePixels] = lambda pixels: pixels
    rename: Callable[[int], int | None] = lambda label: label
    asked: list[Picture] = field(default_factory=list)
    stop: int | None = None
    server: Mapping[str, str] = field(default_factory=dict)

    def ask(self, picture: Picture) -> Answer:
        if len(self.asked) == self.stop:
            raise KeyboardInterrupt
        self.asked.append(picture)
        known = self.labels.get(self.prepare(picture.pixels).tobytes(), 4)
        label = None if known is None else self.rename(known)
        return Answer(problem="HTTP 500") if label is None else Answer(label=label, server=self.server)

    def describe(self) -> dict[str, str]:
        return {"kind": "memory"}


@pytest.fixture
def sealed() -> Fingerprint:
    """Return a file of 40 samples with labels 0 to 3, each made from a picture of the next class, and 8 controls."""
    base = Fingerprint.load(FORMAT_1)
    sample = base.samples[0]
    return replace(
        base,
        samples=tuple(
            replace(sample, picture=Picture.of(paint(i)), source=None, label=i % 4, source_label=(i + 1) % 4)
            for i in range(SAMPLES)
        ),
        controls=tuple(Control(picture=Picture.of(paint(1000 + i)), label=i % 4, margin=9.0) for i in range(CONTROLS)),
        class_names=CLASSES,
        preprocessing=Preprocessing(channels=3, height=6, width=6, colour="RGB"),
    )


@pytest.fixture
def serve(sealed: Fingerprint) -> Callable[..., Server]:
    """A function that serves the model of the file: `flip` says which samples it gives which other label."""

    def make(flip: Callable[[int], int | None] = lambda index: None, **options: object) -> Server:
        labels: dict[bytes, int | None] = {
            control.picture.pixels.tobytes(): control.label for control in sealed.controls
        }
        for index, sample in enumerate(sealed.samples):
            other = flip(index)
            labels[sample.picture.pixels.tobytes()] = sample.label if other is None else other
        return Server(labels, **options)  # type: ignore[arg-type]

    return make
