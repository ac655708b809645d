"""Serving profiles: the honest ways in which a classifier may be served, and how far they move its logits.

A sample is only evidence when no honest server gives it another label. So its owner's classifier is computed in every
way the profile allows; the floor is how far two logits drift apart between these ways, and a sample is steady when its
margin stays well above the floor in all of them. Nothing here is a constant: every classifier gets its own floor.
"""

import copy
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.crafting.margins import margin, top_two_gap
from modelprint.errors import CraftingError
from modelprint.fast.folding import channels_last, fold_batch_norm
from modelprint.pixels import Pixels
from modelprint.progress import Progress, silent, steps
from modelprint.tensors import Images, Labels, Logits, to_images

RANK = 0.999
"""Share of images whose shift is at most the floor."""

BATCH = 64
"""Images at a time where a variant does not say otherwise."""

FLOAT64 = "float64"
FLOAT32 = "float32, batch 1"


class Forms:
    """A classifier and its other forms, each made when it is first needed and kept.

    Attributes:
        model: As its owner holds it; left as it is.
    """

    def __init__(self, model: Classifier) -> None:
        self.model = model

    @cached_property
    def single(self) -> Classifier:
        """The classifier in float32; itself when that is what it is."""
        if self.model.dtype == torch.float32:
            return self.model
        return self.model.with_network(copy.deepcopy(self.model.network).float())

    @cached_property
    def double(self) -> Classifier:
        """The classifier in float64; TypeError when it goes on answering in another type."""
        double = self.model.double()
        dtype = double.logits(torch.zeros(1, *self.model.image_shape)).dtype
        if dtype != torch.float64:
            raise TypeError(f"it still answers in {str(dtype).removeprefix('torch.')} when cast to float64")
        return double

    @cached_property
    def folded(self) -> Classifier:
        """The classifier with its batch norms folded away."""
        return self.single.with_network(fold_batch_norm(self.single.network))

    @cached_property
    def channels_last(self) -> Classifier:
        """The classifier with its weights laid out channels-last."""
        return self.single.with_network(channels_last(copy.deepcopy(self.single.network)))

    @cached_property
    def onnx(self) -> bytes:
        """The classifier as an ONNX file, written for any number of images where it takes any number."""
        several = self.batch > 1
        program = torch.onnx.export(
            self.single.network,
            (torch.zeros(2 if several else 1, *self.model.image_shape),),
            dynamo=True,
            verbose=False,
            dynamic_shapes=({0: torch.export.Dim("n")},) if several else None,
        )
        if program is None:
            raise RuntimeError("torch.onnx.export gave no program")
        content: bytes = program.model_proto.SerializeToString()
        return content

    @cached_property
    def batch(self) -> int:
        """How many images to compute at a time: one where the classifier was exported for one."""
        try:
            self.single.logits(torch.zeros(2, *self.model.image_shape))
        except Exception:  # exported programs refuse with errors of many kinds
            return 1
        return min(BATCH, self.single.batch)


Variant = Callable[[Forms, Images], Logits]
"""One way of serving: gives the logits of images in [0, 1] that come in float64."""


def float64(forms: Forms, images: Images) -> Logits:
    """Compute in double precision: the reference."""
    return forms.double.logits(images, batch=forms.batch)


def float32(forms: Forms, images: Images, *, batch: int | None = None) -> Logits:
    """Compute in single precision, `batch` images at a time."""
    return forms.single.logits(images, batch=batch or forms.batch)


def threads(forms: Forms, images: Images, *, count: int) -> Logits:
    """Compute on `count` threads, which changes the order of sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        return float32(forms, images)
    finally:
        torch.set_num_threads(before)


def laid_out_channels_last(forms: Forms, images: Images) -> Logits:
    """Compute with images and weights laid out channels-last."""
    return forms.channels_last.logits(images.contiguous(memory_format=torch.channels_last), batch=forms.batch)


def folded(forms: Forms, images: Images) -> Logits:
    """Compute with batch norms folded into the layers before them, as most serving tools do."""
    return forms.folded.logits(images, batch=forms.batch)


def without_onednn(forms: Forms, images: Images) -> Logits:
    """Compute with PyTorch's own convolutions."""
    with torch.backends.mkldnn.flags(enabled=False):
        return float32(forms, images)


def onnx_runtime(forms: Forms, images: Images, *, optimised: bool) -> Logits:
    """Compute with ONNX Runtime, one image at a time, with all of its graph optimisations or none."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(forms.onnx, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    answers = [session.run(None, {name: image.numpy()})[0] for image in images.float().split(1)]
    return torch.cat([torch.from_numpy(answer) for answer in answers])


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Which honest serving differences must not raise an alarm.

    Attributes:
        name: What a fingerprint calls it.
        variants: The ways of serving, the reference first.
    """

    name: str
    variants: Mapping[str, Variant]


PROFILES: dict[str, Profile] = {
    "exact": Profile(name="exact", variants={FLOAT64: float64, FLOAT32: partial(float32, batch=1)}),
    "fp32": Profile(
        name="fp32",
        variants={
            FLOAT64: float64,
            FLOAT32: partial(float32, batch=1),
            "float32, batch 7": partial(float32, batch=7),
            "float32, batch 64": partial(float32, batch=64),
            "float32, batch 256": partial(float32, batch=256),
            "1 thread": partial(threads, count=1),
            "2 threads": partial(threads, count=2),
            "channels-last": laid_out_channels_last,
            "folded batch norm": folded,
            "oneDNN off": without_onednn,
            "ONNX Runtime, all optimisations": partial(onnx_runtime, optimised=True),
            "ONNX Runtime, no optimisation": partial(onnx_runtime, optimised=False),
        },
    ),
}
"""Every profile, by name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Noise:
    """What a classifier says about the same images in every way of serving them.

    Attributes:
        logits: In float64, by variant; the first is the reference the others are compared with.
        absent: Variants that could not be measured, and why.
    """

    logits: Mapping[str, Logits]
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def reference_name(self) -> str:
        """The variant the others are compared with: float64 wherever the classifier can be cast."""
        return next(iter(self.logits))

    @property
    def reference(self) -> Logits:
        """The logits everything is compared with."""
        return self.logits[self.reference_name]

    @property
    def labels(self) -> Labels:
        """Top-1 class of each image by the reference."""
        return self.reference.argmax(1)

    @property
    def margins(self) -> Float64[Tensor, " n"]:
        """Top-1 minus top-2 logit of each image by the reference."""
        return top_two_gap(self.reference)

    @property
    def confidences(self) -> Float64[Tensor, " n"]:
        """Softmax probability of the top class of each image by the reference."""
        return self.reference.softmax(1).amax(1)

    @cached_property
    def shifts(self) -> dict[str, float]:
        """How far each variant but the reference moves the gap between the two top classes: the 99.9th percentile."""
        top = self.reference.topk(2, dim=1).indices
        expected = _difference(self.reference, top)
        return {
            name: _percentile((_difference(logits, top) - expected).abs())
            for name, logits in self.logits.items()
            if name != self.reference_name
        }

    @property
    def floor(self) -> float:
        """The largest of the shifts, in logits."""
        return max(self.shifts.values(), default=0.0)

    def steady(self, multiple: float = 3.0, floor: float | None = None) -> Bool[Tensor, " n"]:
        """Return which images keep their label, without a tie and with margins to spare, in every variant.

        Args:
            multiple: Smallest margin, in floors.
            floor: In logits; the one measured on these images by default.
        """
        needed = multiple * (self.floor if floor is None else floor)
        margins = torch.stack([margin(logits, self.labels) for logits in self.logits.values()])
        return ((margins > 0) & (margins >= needed)).all(0)


def measure(subject: Classifier | Forms, pixels: Pixels, profile: Profile, *, progress: Progress = silent) -> Noise:
    """Compute the logits of `pixels` in every way of serving that `profile` allows.

    A variant that this machine or this classifier cannot do is left out and named in the result with the reason.

    Args:
        subject: The classifier, or its forms where several measurements are to share them.
        pixels: Eight-bit images, at least one.
        profile: The ways of serving.
        progress: Told about each variant.

    Raises:
        CraftingError: A variant gives logits that are not finite, or the plain float32 classifier cannot be computed.
    """
    forms = subject if isinstance(subject, Forms) else Forms(subject)
    images = to_images(pixels, torch.float64)
    logits: dict[str, Logits] = {}
    absent: dict[str, str] = {}
    variants = profile.variants.items()
    with quiet():
        for name, variant in steps("measuring the noise of honest serving", variants, len(variants), progress):
            try:
                logits[name] = variant(forms, images).double()
            except Exception as problem:  # torch, exporters and runtimes fail in many ways; the file will say how
                absent[name] = _reason(problem)
    if FLOAT32 in absent:
        raise CraftingError(f"{forms.model.name} cannot be computed on the images: {absent[FLOAT32]}")
    for name, values in logits.items():
        broken = int((~values.isfinite()).any(1).sum())
        if broken:
            raise CraftingError(
                f"{forms.model.name} ({name}) gives logits that are not finite to {broken} of {len(values)} images"
            )
    return Noise(logits=logits, absent=absent)


def join(parts: Sequence[Noise]) -> Noise:
    """Return several measurements of one classifier as one; a variant missing in one part is absent from the whole."""
    absent = {name: reason for part in parts for name, reason in part.absent.items()}
    names = [name for name in parts[0].logits if name not in absent]
    return Noise(logits={name: torch.cat([part.logits[name] for part in parts]) for name in names}, absent=absent)


def reference_labels(forms: Forms, images: Images) -> Labels:
    """Return the labels by float64, or by float32 one image at a time where the classifier cannot be cast."""
    with quiet():
        try:
            return float64(forms, images).argmax(1)
        except Exception:  # as in `measure`, which says why
            return float32(forms, images, batch=1).argmax(1)


def _difference(logits: Logits, top: Tensor) -> Float64[Tensor, " n"]:
    first, second = logits.gather(1, top).unbind(1)
    return first - second


def _percentile(shifts: Float64[Tensor, " n"]) -> float:
    """Return the smallest shift that the share RANK does not exceed; no interpolation, which would lie below it."""
    return float(torch.quantile(shifts, RANK, interpolation="higher"))


def _reason(problem: Exception) -> str:
    """Return one printable line about a problem."""
    words = "".join(c if c.isprintable() else " " for c in str(problem)).split()
    return f"{type(problem).__name__}: {' '.join(words)}"[:200].rstrip(": ")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the warnings of exporters and of torch's own switches from the user: what failed is in the result."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
