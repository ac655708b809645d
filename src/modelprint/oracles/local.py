"""A local classifier as an oracle. The only oracle that needs torch."""

from collections.abc import Sequence

import torch

from modelprint.classifier import Classifier
from modelprint.oracles.oracle import Answer, answer_logits
from modelprint.pixels import Picture
from modelprint.tensors import to_images


class LocalOracle:
    """Answers with the arg-max of float32 logits and with the logits, one picture at a time.

    Attributes:
        model: The classifier.
        name: What transcripts and reports call it.
    """

    def __init__(self, model: Classifier, name: str | None = None) -> None:
        self.model = model
        self.name = model.name if name is None else name

    def ask(self, picture: Picture) -> Answer:
        """Answer one picture; two equal greatest logits are a tie."""
        shape = tuple(picture.pixels.shape)
        if shape != self.model.image_shape:
            return Answer(problem=f"the model takes images of shape {self.model.image_shape}, this one has {shape}")
        logits = self.model.logits(to_images(picture.pixels[None]), batch=1)[0].float()
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
        return {"kind": "local", "name": self.name, "digest": self.model.digest()}


def check_model(
    model: Classifier, image_shape: Sequence[int], class_count: int, *, subject: str = "these pictures"
) -> None:
    """Raise ValueError when `model` takes images of another shape than `subject`, or knows other classes."""
    if model.image_shape != tuple(image_shape) or model.class_count != class_count:
        raise ValueError(
            f"{model.name} takes images of shape {model.image_shape} and knows {model.class_count} classes; "
            f"{subject} have shape {tuple(image_shape)} and are for {class_count}"
        )
