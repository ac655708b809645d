"""Open Inference Protocol v2, as KServe, Triton, MLServer and OpenVINO Model Server speak it over HTTP and JSON."""

import base64
import json
import math
from typing import Annotated, Literal
from urllib.parse import quote

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from modelprint.errors import OracleError
from modelprint.oracles.json_text import PrintedNumber, open_text
from modelprint.oracles.pixel_form import PixelForm
from modelprint.oracles.replies import (
    Named,
    Reading,
    read_document,
    read_label,
    read_ranking,
    read_score,
    read_vector,
)
from modelprint.oracles.wire import Described, Fill, Message, Text, WireFormat
from modelprint.pixels import Picture

INTEGERS = frozenset(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
AXIS_LIMIT = 8
FLOATS = frozenset({"FP16", "FP32", "FP64", "BF16"})


class InputTensor(PixelForm):
    """The tensor that carries the picture. What is said about pixels has no meaning for BYTES.

    Attributes:
        name: Its name in the model.
        datatype: UINT8 grey levels, FP32 or FP16 numbers, or BYTES holding the PNG as base64 text.
    """

    name: str = Field(default="image", min_length=1)
    datatype: Literal["UINT8", "FP32", "FP16", "BYTES"] = "UINT8"

    @model_validator(mode="after")
    def _check_datatype(self) -> "InputTensor":
        if self.normalises and not self.datatype.startswith("FP"):
            raise ValueError(f"mean and std go with FP32 or FP16, not with {self.datatype}")
        if self.colours == "bgr" and self.datatype == "BYTES":
            raise ValueError("colours: bgr goes with numbers, not with BYTES, which hold a file")
        return self


class OutputTensor(Described):
    """The tensor that carries the answer.

    Attributes:
        name: Its name; None takes the only output.
        classification: Ask Triton for this many classes as `value:index:label`; None means the plain tensor.
    """

    name: str | None = Field(default=None, min_length=1)
    classification: int | None = Field(default=None, ge=1, le=1000)


def _wrap_name(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class OpenInference(WireFormat):
    """A model behind the Open Inference Protocol v2.

    Attributes:
        model: Name of the model on the server.
        version: Version to ask; None leaves the choice to the server.
        input: The tensor that carries the picture.
        output: The tensor that carries the answer: scores, a whole number, or a text.
    """

    kind: Literal["open-inference"] = "open-inference"
    model: Text = Field(min_length=1)
    version: Text | None = Field(default=None, min_length=1)
    input: Annotated[InputTensor, BeforeValidator(_wrap_name)] = InputTensor()
    output: Annotated[OutputTensor, BeforeValidator(_wrap_name)] = OutputTensor()

    def describe(self) -> dict[str, str]:
        """Say which model is asked, with placeholders as written."""
        version = {} if self.version is None else {"version": self.version}
        return super().describe() | {"model": self.model} | version

    def compose(self, picture: Picture, request_id: str, fill: Fill) -> Message:
        """Return the `infer` request; it always has an id, some servers fail without one."""
        document: dict[str, object] = {"id": request_id, "inputs": [self._build_tensor(picture)]}
        if self.output.name is not None:
            asked: dict[str, object] = {"name": self.output.name}
            if self.output.classification is not None:
                asked["parameters"] = {"classification": self.output.classification}
            document["outputs"] = [asked]
        text = json.dumps(document)
        return Message(
            method="POST",
            url=self._build_address(fill),
            headers=self.build_headers("application/json", fill),
            content=text.encode(),
            preview=text,
        )

    def read(self, document: object, request_id: str) -> Reading:
        """Return the label: the greatest score, the whole number, or the text in the output tensor."""
        if not isinstance(document, dict):
            raise OracleError("the reply is no JSON object")
        if document.get("id") not in (None, "", request_id):
            raise OracleError("the reply carries the id of another request")
        names = {name: document.get(name) for name in ("model_name", "model_version")}
        hints = {name: str(value) for name, value in names.items() if isinstance(value, str | int)}
        datatype, values = _check_content(self._choose_output(document))
        if datatype == "BYTES" and self.output.classification is not None:
            return read_ranking([_read_class(value) for value in values], hints=hints)
        if datatype in FLOATS or (datatype in INTEGERS and len(values) > 1):
            return read_vector(values, hints)
        if len(values) != 1:
            raise OracleError(f"the output holds {len(values)} labels, expected 1")
        opened = open_text(values[0])
        if isinstance(opened, list | dict):  # MLServer and TorchServe put a document into a tensor of texts
            return read_document(opened, hints)
        return Reading(named=read_label(values[0]), hints=hints)

    def _build_address(self, fill: Fill) -> str:
        version = "" if self.version is None else f"/versions/{quote(self.version, safe='')}"
        return f"{fill(self.url).rstrip('/')}/v2/models/{quote(self.model, safe='')}{version}/infer"

    def _build_tensor(self, picture: Picture) -> dict[str, object]:
        described = {"name": self.input.name, "datatype": self.input.datatype}
        if self.input.datatype == "BYTES":
            return {**described, "shape": [1], "data": [base64.b64encode(picture.png).decode()]}
        if self.input.datatype == "UINT8":
            array = self.input.arrange(picture)
        else:
            array = self.input.compute(picture).astype(np.float16 if self.input.datatype == "FP16" else np.float32)
        return {**described, "shape": list(array.shape), "data": array.ravel().tolist()}

    def _choose_output(self, document: dict[str, object]) -> dict[str, object]:
        outputs = document.get("outputs")
        if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
            raise OracleError("the reply has no list of outputs")
        chosen: list[dict[str, object]] = [
            output for output in outputs if self.output.name in (None, output.get("name"))
        ]
        if len(chosen) != 1:
            listed = ", ".join(str(output.get("name")) for output in outputs) or "none"
            wanted = "exactly one, name it under output" if self.output.name is None else repr(self.output.name)
            raise OracleError(f"the reply has the outputs {listed}; expected {wanted}")
        return chosen[0]


def _check_content(output: dict[str, object]) -> tuple[str, list[object]]:
    """Return datatype and flat data of an output for one picture, after checking that they fit its shape."""
    datatype, shape, data = output.get("datatype"), output.get("shape"), output.get("data")
    if not isinstance(datatype, str) or datatype not in FLOATS | INTEGERS | {"BYTES"}:
        raise OracleError("the output has a datatype that can be no label and no score")
    if (
        not isinstance(shape, list)
        or len(shape) > AXIS_LIMIT
        or not all(type(side) is int and 0 < side < 2**31 for side in shape)
    ):
        raise OracleError("the output has no shape of whole numbers")
    if not isinstance(data, list):
        raise OracleError("the output has no data; the binary form was not asked for")
    values = _flatten(data)
    if len(values) != math.prod(shape):
        raise OracleError(f"the output has {len(values)} values, its shape {shape} says {math.prod(shape)}")
    if sum(side != 1 for side in shape) > 1:
        raise OracleError(f"the output has shape {shape}, expected one row for one picture")
    return datatype, values


def _flatten(data: list[object]) -> list[object]:
    while any(isinstance(value, list) for value in data):
        data = [inner for value in data for inner in (value if isinstance(value, list) else [value])]
    return data


def _read_class(value: object) -> tuple[Named, PrintedNumber]:
    """Read Triton's `value:index` or `value:index:label`; the label may hold colons itself."""
    parts = value.split(":", 2) if isinstance(value, str) else []
    try:
        score, index = read_score(parts[0]), int(parts[1])
    except (IndexError, ValueError, OracleError):
        raise OracleError("a class is not written as value:index or value:index:label") from None
    return read_label(parts[2] if len(parts) > 2 and parts[2] else index), score
