"""Hugging Face inference for image classification: the file as the body, answered by labels with scores."""

from typing import Literal

from modelprint.oracles.http import RequestForm
from modelprint.oracles.services.service import Service


class HuggingFace(Service):
    """A hosted or dedicated endpoint for image classification.

    A hosted one may answer from a cache: `headers: {x-use-cache: "false"}` asks it not to.
    """

    kind: Literal["hugging-face"] = "hugging-face"

    def build_url(self) -> str:
        """Return the address of the endpoint."""
        return self.url

    def build_request(self) -> RequestForm:
        """Return the bare PNG file."""
        return RequestForm(encoding="raw", image="png_bytes")

    def find_answer(self, document: object) -> object:
        """Return the whole reply, a list of labels with scores, perhaps in one more list."""
        return document
