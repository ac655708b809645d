"""BentoML: `POST /METHOD` with the file in a form, answered by what the method returns."""

from typing import Literal
from urllib.parse import quote

from pydantic import Field

from modelprint.oracles.http import IMAGE, RequestForm
from modelprint.oracles.services.service import Service
from modelprint.oracles.wire import Text


class BentoML(Service):
    """A service of BentoML.

    Attributes:
        method: Name of the method of the service.
        field: Its parameter that takes the picture, or the list of pictures.
    """

    kind: Literal["bentoml"] = "bentoml"
    method: Text = Field(min_length=1)
    field: str = Field(default="image", min_length=1)

    def build_url(self) -> str:
        """Return the address of the method."""
        return f"{self.url.rstrip('/')}/{quote(self.method, safe='')}"

    def build_request(self) -> RequestForm:
        """Return a form with the PNG file."""
        return RequestForm(encoding="multipart", image="png_bytes", body={self.field: IMAGE})

    def find_answer(self, document: object) -> object:
        """Return the whole reply."""
        return document
