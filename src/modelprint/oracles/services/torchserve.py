"""TorchServe and DJL Serving: `POST /predictions/NAME` with the file, answered by labels with probabilities."""

from typing import Literal
from urllib.parse import quote

from pydantic import Field

from modelprint.oracles.http import IMAGE, RequestForm
from modelprint.oracles.services.service import Service
from modelprint.oracles.wire import Text


class TorchServe(Service):
    """A model with the standard handler for images.

    Attributes:
        model: Name of the model on the server.
        version: Version to ask; None leaves the choice to the server.
        field: Field of the form that takes the file.
    """

    kind: Literal["torchserve"] = "torchserve"
    model: Text = Field(min_length=1)
    version: Text | None = Field(default=None, min_length=1)
    field: str = Field(default="data", min_length=1)

    def build_url(self) -> str:
        """Return the address of the model."""
        version = "" if self.version is None else f"/{quote(self.version, safe='')}"
        return f"{self.url.rstrip('/')}/predictions/{quote(self.model, safe='')}{version}"

    def build_request(self) -> RequestForm:
        """Return a form with the PNG file."""
        return RequestForm(encoding="multipart", image="png_bytes", body={self.field: IMAGE})

    def find_answer(self, document: object) -> object:
        """Return the whole reply: an object from label to probability, or a list of classes."""
        return document
