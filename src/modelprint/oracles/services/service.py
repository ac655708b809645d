"""What named services share: a few keys of their own, and the generic HTTP description that these stand for."""

from abc import abstractmethod
from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from modelprint.errors import OracleError
from modelprint.oracles.http import ARRAYS, GenericHttp, RequestForm
from modelprint.oracles.json_text import PrintedNumber, open_text
from modelprint.oracles.jsonpath import JsonPath
from modelprint.oracles.pixel_form import Deviations, PerChannel
from modelprint.oracles.replies import Named, Reading, read_document, read_label, read_ranking, read_score
from modelprint.oracles.wire import Described, Fill, Message, WireFormat
from modelprint.pixels import Picture

UNUSED = JsonPath.parse("$")
"""The place of the answer where a service reads its replies itself."""

SCORES = ("score", "probability", "confidence")
NAMES = ("label", "className", "class", "displayName", "name")
"""Keys under which services write the score and the label of one class."""


class Numbers(Described):
    """How the picture becomes numbers. What a served model wants cannot be guessed, so `values` is always given.

    Attributes:
        values: Grey levels 0 .. 255, or these divided by 255.
        layout: Order of the axes: channels first (chw) or last (hwc).
        colours: Order of the channels.
        mean: What is subtracted from the values, in the same unit.
        std: What they are divided by afterwards.
    """

    values: Literal["grey", "unit"]
    layout: Literal["chw", "hwc"] = "chw"
    colours: Literal["rgb", "bgr"] = "rgb"
    mean: PerChannel | None = None
    std: Deviations | None = None

    def request(self, body: object) -> RequestForm:
        """Return the JSON request around the picture as nested lists of numbers; "$IMAGE" in `body` is replaced."""
        image = next(name for name, layout in ARRAYS.items() if layout == self.layout)
        return RequestForm.model_validate({"image": image, "body": body, **self.model_dump(exclude={"layout"})})


class Service(WireFormat):
    """A named service: its keys say which generic request is sent, and it reads its own replies."""

    @abstractmethod
    def build_url(self) -> str:
        """Return the address of the model, with placeholders."""

    @abstractmethod
    def build_request(self) -> RequestForm:
        """Return how a picture is sent."""

    @abstractmethod
    def find_answer(self, document: object) -> object:
        """Return the part of a reply that is the answer about the picture."""

    def compose(self, picture: Picture, request_id: str, fill: Fill) -> Message:
        """Return the request of the service."""
        return self._http.compose(picture, request_id, fill)

    def read(self, document: object, request_id: str) -> Reading:
        """Return the label and scores in the answer, whatever usual form it has."""
        return read_answer(self.find_answer(document))

    def list_texts(self) -> list[str]:
        """Return every text that may hold a placeholder."""
        return self._http.list_texts()

    def describe(self) -> dict[str, str]:
        """Say what is asked, with placeholders as written."""
        return super().describe() | {"url": self.build_url()}

    @cached_property
    def _http(self) -> GenericHttp:
        described: dict[str, Any] = {"url": self.build_url(), "headers": self.headers, "request": self.build_request()}
        return GenericHttp.model_validate(described | {"response": {"label": UNUSED}})


class NumbersService(Service):
    """A service that takes the picture as numbers.

    Attributes:
        input: How the picture becomes numbers.
    """

    input: Numbers = Field(...)


def find_member(document: object, name: str) -> object:
    """Return member `name` of a reply.

    Raises:
        OracleError: There is none.
    """
    if not isinstance(document, dict) or name not in document:
        raise OracleError(f"the reply has no {name}")
    return document[name]


def read_answer(answer: object) -> Reading:
    """Return the reading of an answer in any usual form: one label, scores, or classes with their scores.

    Lists of one element are opened, and so is an object of one tensor, such as `{"logits": [[0.1, 0.9]]}`.

    Args:
        answer: What a service says about one picture.

    Raises:
        OracleError: It has no usual form.
    """
    answer = open_text(answer)
    while (inner := _open_single(answer)) is not answer:
        answer = open_text(inner)
    if isinstance(answer, list) and answer and all(isinstance(item, dict) for item in answer):
        return read_ranking([_read_class(item) for item in answer])
    if isinstance(answer, dict) and any(name in answer for name in NAMES):
        named = read_label(next(answer[name] for name in NAMES if name in answer))
        return Reading(named=named, ranking=tuple((named, read_score(answer[key])) for key in SCORES if key in answer))
    if isinstance(answer, dict) and answer.keys() <= set(SCORES):
        raise OracleError("the reply has a score without a label")
    if isinstance(answer, dict | list):
        return read_document(answer)
    return Reading(named=read_label(answer))


def _open_single(answer: object) -> object:
    """Return the only element of a list, or the list in an object of one list; anything else as it is."""
    if isinstance(answer, list) and len(answer) == 1:
        return answer[0]
    if isinstance(answer, dict) and len(answer) == 1 and isinstance(only := next(iter(answer.values())), list):
        return only
    return answer


def _read_class(item: dict[str, object]) -> tuple[Named, PrintedNumber]:
    name = next((item[key] for key in NAMES if key in item), None)
    score = next((item[key] for key in SCORES if key in item), None)
    return read_label(name), read_score(score)
