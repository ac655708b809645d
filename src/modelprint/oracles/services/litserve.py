"""LitServe: `POST /predict` with base64 text under a name that the server's author chose."""

from typing import Literal

from pydantic import Field

from modelprint.oracles.http import IMAGE, RequestForm
from modelprint.oracles.services.service import Numbers, Service


class LitServe(Service):
    """A model behind LitServe.

    Attributes:
        path: Where the server takes questions.
        field: Key of the picture in the request.
        input: How the picture becomes numbers; None sends the PNG as base64 text.
    """

    kind: Literal["litserve"] = "litserve"
    path: str = Field(default="/predict", pattern=r"^/")
    field: str = Field(default="image_bytes", min_length=1)
    input: Numbers | None = None

    def build_url(self) -> str:
        """Return the address for predictions."""
        return self.url.rstrip("/") + self.path

    def build_request(self) -> RequestForm:
        """Return an object with the PNG as base64 text, or with the numbers of the picture."""
        body = {self.field: IMAGE}
        return RequestForm(body=body) if self.input is None else self.input.request(body)

    def find_answer(self, document: object) -> object:
        """Return the whole reply."""
        return document
