"""Generic HTTP: a declarative description for endpoints without a wire format of their own. Nothing in it is run."""

import base64
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from modelprint.errors import OracleError
from modelprint.oracles.json_text import PrintedNumber, open_text, remove_single_axes
from modelprint.oracles.jsonpath import JsonPath, Path
from modelprint.oracles.pixel_form import Deviations, PerChannel, PixelForm, check_pair
from modelprint.oracles.replies import Named, Reading, read_label, read_ranking, read_score, read_vector
from modelprint.oracles.wire import Described, Fill, Message, WireFormat, check_body
from modelprint.pixels import Picture

IMAGE = "$IMAGE"
"""Stands for the picture in a request body."""


def _encode_base64(picture: Picture) -> str:
    return base64.b64encode(picture.png).decode()


def _encode_array(picture: Picture) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(picture.pixels.transpose(1, 2, 0)), allow_pickle=False)
    return buffer.getvalue()


JSON_TEXTS: dict[str, Callable[[Picture], str]] = {
    "png_base64": _encode_base64,
    "data_uri": lambda picture: "data:image/png;base64," + _encode_base64(picture),
}
"""Ways to put a picture into a JSON document as a text."""

ARRAYS: dict[str, Literal["hwc", "chw"]] = {"array_hwc": "hwc", "array_chw": "chw"}
"""Ways to put it there as numbers, with the order of the axes."""

FILE_IMAGES: dict[str, tuple[str, str, Callable[[Picture], bytes]]] = {
    "png_bytes": ("image/png", "image.png", lambda picture: picture.png),
    "npy": ("application/x-npy", "image.npy", _encode_array),
}
"""Ways to send a picture as a file: content type, file name, bytes."""


def _replace_image(template: object, image: object, fill: Fill) -> object:
    if isinstance(template, dict):
        return {str(key): _replace_image(value, image, fill) for key, value in template.items()}
    if isinstance(template, list):
        return [_replace_image(value, image, fill) for value in template]
    return image if template == IMAGE else fill(template) if isinstance(template, str) else template


class RequestForm(Described):
    """How a picture is put into a request. The last four are for arrays.

    Attributes:
        encoding: Whole body as JSON, the bare file, or a multipart form.
        image: Form of the picture; arrays are grey levels 0 .. 255, `npy` is h w c.
        body: JSON document or form fields around the picture; the text "$IMAGE" is replaced by it.
        values: What the numbers are: grey levels, or grey levels divided by 255.
        colours: Order of the channels.
        mean: What is subtracted from the values, in the same unit; in the order of `colours`.
        std: What they are divided by afterwards.
    """

    encoding: Literal["json", "raw", "multipart"] = "json"
    image: Literal["png_base64", "png_bytes", "data_uri", "array_hwc", "array_chw", "npy"] = "png_base64"
    body: object = None
    values: Literal["grey", "unit"] = "grey"
    colours: Literal["rgb", "bgr"] = "rgb"
    mean: PerChannel | None = None
    std: Deviations | None = None

    @model_validator(mode="after")
    def _check_image_form(self) -> "RequestForm":
        fitting = (*JSON_TEXTS, *ARRAYS) if self.encoding == "json" else tuple(FILE_IMAGES)
        if self.image not in fitting:
            raise ValueError(f"encoding {self.encoding} takes an image as {' or '.join(fitting)}, not as {self.image}")
        if self.values == "unit" and self.image not in ARRAYS:
            raise ValueError("values: unit goes with an image as array_hwc or array_chw")
        if (self.colours, self.mean, self.std) != ("rgb", None, None) and self.image not in ARRAYS:
            raise ValueError("colours, mean and std go with an image as array_hwc or array_chw")
        check_pair(self.mean, self.std)
        if self.encoding == "raw" and self.body is not None:
            raise ValueError("encoding raw sends the bare file and has no body")
        if self.encoding == "multipart":
            _check_form(self.template)
        check_body(_replace_image(self.template, None, str))
        if self.encoding != "raw" and _count_images(self.template) != 1:
            raise ValueError(f'the body holds "{IMAGE}" {_count_images(self.template)} times, expected once')
        return self

    @property
    def pixels(self) -> PixelForm:
        """How the numbers of an array are computed."""
        return PixelForm(
            layout=ARRAYS[self.image], values=self.values, colours=self.colours, mean=self.mean, std=self.std
        )

    @property
    def template(self) -> object:
        """The body as written, or the default one."""
        return {"image": IMAGE} if self.body is None else self.body


def _check_form(template: object) -> None:
    if not isinstance(template, dict) or not all(isinstance(v, str | int | float) for v in template.values()):
        raise ValueError("the body of a multipart form maps field names to texts and numbers")
    for name in template:
        if not str(name).isascii() or not str(name).isprintable() or '"' in str(name):
            raise ValueError(f"{name!r} is no field name")


def _count_images(template: object) -> int:
    if isinstance(template, list | dict):
        return sum(map(_count_images, template.values() if isinstance(template, dict) else template))
    if isinstance(template, str) and IMAGE in template and template != IMAGE:
        raise ValueError(f'"{IMAGE}" stands alone in a text and cannot be part of a longer one')
    return int(template == IMAGE)


def _list_texts(template: object) -> list[str]:
    if isinstance(template, list | dict):
        inner = template.values() if isinstance(template, dict) else template
        return [text for value in inner for text in _list_texts(value)]
    return [template] if isinstance(template, str) else []


class Ranked(Described):
    """Where the reply has a list of scored labels.

    Attributes:
        items: The entries of the list.
        label: The label within an entry.
        score: The score within an entry.
    """

    items: Path
    label: Path = JsonPath.parse("$.label")
    score: Path = JsonPath.parse("$.score")


def _wrap_items(value: object) -> object:
    return {"items": value} if isinstance(value, str) else value


class ReplyForm(Described):
    """Where the parts of a reply are.

    Attributes:
        label: The label of the best class.
        score: Its score.
        topk: Scored labels; the best score wins when `label` is not given.
        scores: One score per class: a list in class order, or an object from label to score.
        names: Labels of a list of `scores`, in the same order.
        hints: Name of a hint to where the reply gives it, e.g. a model version.
    """

    label: Path | None = None
    score: Path | None = None
    topk: Annotated[Ranked | None, BeforeValidator(_wrap_items)] = None
    scores: Path | None = None
    names: Path | None = None
    hints: dict[str, Path] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_places(self) -> "ReplyForm":
        if self.label is None and self.topk is None and self.scores is None:
            raise ValueError("one of label, topk and scores says where the answer stands")
        if self.scores is not None and (self.label is not None or self.topk is not None):
            raise ValueError("scores stands alone, without label and topk")
        if self.names is not None and self.scores is None:
            raise ValueError("names are the labels of scores, which is missing")
        if self.score is not None and self.label is None:
            raise ValueError("score is the score of label, which is missing")
        return self


class GenericHttp(WireFormat):
    """Any endpoint that takes a picture in one request and answers JSON.

    Attributes:
        method: HTTP method.
        request: How the picture is sent.
        response: Where the answer stands.
    """

    kind: Literal["http"] = "http"
    method: Literal["POST", "PUT"] = "POST"
    request: RequestForm = RequestForm()
    response: ReplyForm = Field(...)

    def list_texts(self) -> list[str]:
        """Return every text that may hold a placeholder, those in the body too."""
        return super().list_texts() + _list_texts(self.request.body)

    def compose(self, picture: Picture, request_id: str, fill: Fill) -> Message:
        """Return the described request; the PNG bytes are sent as they are wherever a file is taken."""
        content_type, content, preview = self._encode_body(picture, fill)
        return Message(
            method=self.method,
            url=fill(self.url),
            headers=self.build_headers(content_type, fill),
            content=content,
            preview=preview,
        )

    def read(self, document: object, request_id: str) -> Reading:
        """Return the label and scores at the described places."""
        form, hints = self.response, self._read_hints(document)
        if form.scores is not None and form.names is not None:
            return _read_side_by_side(_find_list(form.names, document), _find_list(form.scores, document), hints)
        if form.scores is not None:
            return _read_scores(form.scores.find_one(document), hints)
        ranking = _read_topk(form.topk, document) if form.topk else None
        if form.label is None:
            return read_ranking(ranking or [], hints=hints)
        named = read_label(form.label.find_one(document))
        if ranking is None:
            score = () if form.score is None else ((named, read_score(form.score.find_one(document))),)
            return Reading(named=named, ranking=score, hints=hints)
        return _join(named, ranking, hints)

    def _encode_body(self, picture: Picture, fill: Fill) -> tuple[str, bytes, str]:
        form = self.request
        if form.encoding == "json":
            text = json.dumps(_replace_image(form.template, self._encode_image(picture), fill))
            return "application/json", text.encode(), text
        content_type, file_name, encode = FILE_IMAGES[form.image]
        content = encode(picture)
        shown = f"<{len(content)} bytes of {content_type}, sha256 {hashlib.sha256(content).hexdigest()}>"
        if form.encoding == "raw":
            return content_type, content, shown
        boundary = hashlib.sha256(content).hexdigest()[:32]
        head, tail = _write_form(form.template, boundary, content_type, file_name, fill)
        return f"multipart/form-data; boundary={boundary}", head.encode() + content + tail.encode(), head + shown + tail

    def _encode_image(self, picture: Picture) -> object:
        if self.request.image in JSON_TEXTS:
            return JSON_TEXTS[self.request.image](picture)
        form = self.request.pixels
        exact = form.values == "grey" and not form.normalises
        return (form.arrange(picture) if exact else form.compute(picture)).tolist()

    def _read_hints(self, document: object) -> Mapping[str, str]:
        found = {name: path.find_all(document) for name, path in self.response.hints.items()}
        return {name: str(values[0]) for name, values in found.items() if values and isinstance(values[0], str | int)}


def _write_form(template: object, boundary: str, content_type: str, file_name: str, fill: Fill) -> tuple[str, str]:
    """Return the text before and after the bytes of the file; the file is the last part."""
    fields = template if isinstance(template, dict) else {}
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{fill(str(value))}\r\n'
        for name, value in fields.items()
        if value != IMAGE
    ]
    place = next(name for name, value in fields.items() if value == IMAGE)
    disposition = f'Content-Disposition: form-data; name="{place}"; filename="{file_name}"'
    parts.append(f"--{boundary}\r\n{disposition}\r\nContent-Type: {content_type}\r\n\r\n")
    return "".join(parts), f"\r\n--{boundary}--\r\n"


def _read_scores(scores: object, hints: Mapping[str, str]) -> Reading:
    scores = remove_single_axes(open_text(scores))
    if isinstance(scores, list):
        return read_vector(scores, hints)
    if isinstance(scores, dict):
        return read_ranking([(read_label(label), read_score(score)) for label, score in scores.items()], hints=hints)
    raise OracleError("the scores are neither a list nor an object from label to score")


def _read_topk(form: Ranked, document: object) -> list[tuple[Named, PrintedNumber]]:
    return [
        (read_label(form.label.find_one(item)), read_score(form.score.find_one(item)))
        for item in form.items.find_all(document)
    ]


def _find_list(path: JsonPath, document: object) -> list[object]:
    """Return the elements of the only list at `path`, or all values that the path reaches."""
    values = path.find_all(document)
    only = remove_single_axes(open_text(values[0])) if len(values) == 1 else None
    return only if isinstance(only, list) else values


def _read_side_by_side(names: list[object], scores: list[object], hints: Mapping[str, str]) -> Reading:
    """Return the reading of a list of labels and a list of their scores."""
    if len(names) != len(scores):
        raise OracleError(f"the reply has {len(names)} names for {len(scores)} scores")
    pairs = [(read_label(name), read_score(score)) for name, score in zip(names, scores, strict=True)]
    return read_ranking(pairs, hints=hints)


def _join(named: Named, ranking: list[tuple[Named, PrintedNumber]], hints: Mapping[str, str]) -> Reading:
    """Return the reading of a label beside scored labels: it has the best score, perhaps together with others.

    Scores that are rounded tie easily. The server has chosen its label before it rounded them.
    """
    reading = read_ranking(ranking, hints=hints)
    best = max(score for _, score in ranking)
    if str(named) not in {str(label) for label, score in ranking if score == best}:
        raise OracleError(f"the label is {named!r} but the best score belongs to {reading.named!r}")
    return Reading(named=named, ranking=reading.ranking, hints=hints)
