"""KServe v1 and TensorFlow Serving: `POST /v1/models/NAME:predict` with `instances`, answered by `predictions`."""

from typing import Literal
from urllib.parse import quote

from pydantic import Field

from modelprint.oracles.http import IMAGE, RequestForm
from modelprint.oracles.services.service import NumbersService, find_member
from modelprint.oracles.wire import Text


class KServeV1(NumbersService):
    """A model behind the first KServe protocol, or TensorFlow Serving.

    Attributes:
        model: Name of the model on the server.
        version: Version to ask, with TensorFlow Serving; None leaves the choice to the server.
    """

    kind: Literal["kserve-v1"] = "kserve-v1"
    model: Text = Field(min_length=1)
    version: Text | None = Field(default=None, min_length=1)

    def build_url(self) -> str:
        """Return the address of the model."""
        version = "" if self.version is None else f"/versions/{quote(self.version, safe='')}"
        return f"{self.url.rstrip('/')}/v1/models/{quote(self.model, safe='')}{version}:predict"

    def build_request(self) -> RequestForm:
        """Return a request with one instance."""
        return self.input.request({"instances": [IMAGE]})

    def find_answer(self, document: object) -> object:
        """Return the predictions."""
        return find_member(document, "predictions")
