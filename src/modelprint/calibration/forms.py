"""A classifier and its other forms: cast, folded, exported; each is made on first use."""

import copy
from collections.abc import Callable
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar

import torch

from modelprint.classifier import Classifier
from modelprint.fast.folding import fold_batch_norm, to_channels_last
from modelprint.pixels import Pixels
from modelprint.tensors import Images, Logits

BATCH = 64
"""Images at a time where a variant does not say otherwise."""

Made = TypeVar("Made")
Given = ParamSpec("Given")


class Forms:
    """A classifier and its other forms, each made on first use and kept.

    Attributes:
        model: The classifier; left as it is.
        natural: Images of the kind it was trained on, which static quantisation takes its ranges from; None makes
            static quantisation impossible.
    """

    def __init__(self, model: Classifier, natural: Pixels | None = None) -> None:
        self.model = model
        self.natural = natural
        self._made: dict[Any, Any] = {}

    def make_once(
        self, make: Callable[Concatenate["Forms", Given], Made], *given: Given.args, **named: Given.kwargs
    ) -> Made:
        """Return `make(self, *given, **named)`; equal calls compute it once."""
        key = (make, given, tuple(named.items()))
        if key not in self._made:
            self._made[key] = make(self, *given, **named)
        found: Made = self._made[key]
        return found

    @cached_property
    def single(self) -> Classifier:
        """The classifier in float32; itself when that is what it is."""
        if self.model.dtype == torch.float32:
            return self.model
        return self.model.with_network(copy.deepcopy(self.model.network).float())

    @cached_property
    def crafted_on(self) -> Classifier:
        """The classifier for methods: in float32 when its own type is narrower, for which linear algebra is missing."""
        return self.single if self.model.dtype.itemsize < torch.float32.itemsize else self.model

    @cached_property
    def double(self) -> Classifier:
        """The classifier in float64; TypeError when it still answers in another type."""
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
        return self.single.with_network(to_channels_last(copy.deepcopy(self.single.network)))

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
