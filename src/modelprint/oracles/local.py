"""A local classifier as an oracle. The only oracle that needs torch."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.oracles.oracle import Answer, answer_logits
from modelprint.pixels import Picture
from modelprint.tensors import Images, Logits, to_images


class LocalOracle:
    """Answers with the arg-max of logits in float32 and with the logits, one picture at a time.

    Attributes:
        model: The classifier.
        name: What transcripts and reports call it.
        precision: What it is served in, where that is not the type of its weights.
    """

    def __init__(
        self,
        model: Classifier,
        name: str | None = None,
        *,
        precision: str | None = None,
        compute: Callable[[Images], Logits] | None = None,
    ) -> None:
        """Take the classifier.

        Args:
            model: The classifier.
            name: What transcripts and reports call it; its own name by default.
            precision: What it is served in, where that is not the type of its weights.
            compute: Gives the logits of one image in [0, 1], in float64, as it is served; the classifier by default.
        """
        self.model = model
        self.name = model.name if name is None else name
        self.precision = precision
        self._compute = compute

    def ask(self, picture: Picture) -> Answer:
        """Answer one picture; two equal greatest logits are a tie."""
        shape = tuple(picture.pixels.shape)
        if shape != self.model.image_shape:
            return Answer(problem=f"the model takes images of shape {self.model.image_shape}, this one has {shape}")
        logits = self._compute_logits(picture).float()
        if not torch.isfinite(logits).all():
            return Answer(problem="the model's logits are not finite")
        return answer_logits(logits.cpu().numpy())

    def model_digest(self) -> str:
        """Return the digest of the weights."""
        return self.model.digest()

    def check_fit(self, image_shape: tuple[int, int, int], class_count: int, subject: str) -> None:
        """Raise ValueError when the model takes other images than `subject`, or knows other classes."""
        check_model(self.model, image_shape, class_count, subject=subject)

    def describe(self) -> dict[str, str]:
        """Say which weights are asked."""
        described = {"kind": "local", "name": self.name, "digest": self.model.digest()}
        return described if self.precision is None else described | {"precision": self.precision}

    def _compute_logits(self, picture: Picture) -> Float[Tensor, " classes"]:
        if self._compute is None:
            return self.model.logits(to_images(picture.pixels[None]), batch=1)[0]
        return self._compute(to_images(picture.pixels[None], torch.float64))[0]


def check_model(
    model: Classifier, image_shape: Sequence[int], class_count: int, *, subject: str = "these pictures"
) -> None:
    """Raise ValueError when `model` takes images of another shape than `subject`, or knows other classes."""
    if model.image_shape != tuple(image_shape) or model.class_count != class_count:
        raise ValueError(
            f"{model.name} takes images of shape {model.image_shape} and knows {model.class_count} classes; "
            f"{subject} have shape {tuple(image_shape)} and are for {class_count}"
        )
