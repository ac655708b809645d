"""Other ways to send a picture: what a checker can try when even ordinary pictures get wrong labels. Needs no torch.

A variant is an oracle that asks the same endpoint. Its name is the key of the endpoint file that makes it permanent,
e.g. `request.values: unit`, or the name of a change of the picture itself, for which no key exists.
"""

import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from modelprint.oracles.http import GenericHttp
from modelprint.oracles.onnx import OnnxOracle
from modelprint.oracles.open_inference import OpenInference
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import OnePixels, Picture

FormT = TypeVar("FormT", bound=BaseModel)

SWAPPED, INVERTED, TRANSPOSED = "red and blue swapped", "light and dark inverted", "rows and columns swapped"
PICTURES: dict[str, Callable[[OnePixels], OnePixels]] = {
    SWAPPED: lambda pixels: pixels[::-1],
    INVERTED: lambda pixels: 255 - pixels,
    TRANSPOSED: lambda pixels: pixels.transpose(0, 2, 1),
}
"""Changes of the picture itself. Each undoes itself, so it explains a server that makes the same change."""

NORMALISATIONS = {
    1: (((0.1307,), (0.3081,)), ((0.5,), (0.5,))),
    3: (((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), ((0.5,), (0.5,))),
}
"""Mean and standard deviation that networks often want, by number of channels, for values from 0 to 1."""


@dataclass(frozen=True)
class AlteredOracle:
    """Asks another oracle about a changed picture.

    Attributes:
        oracle: What is asked.
        change: Name of the change, a key of PICTURES.
    """

    oracle: Oracle
    change: str

    def ask(self, picture: Picture) -> Answer:
        """Answer the changed picture."""
        return self.oracle.ask(Picture.of(PICTURES[self.change](picture.pixels)))

    def describe(self) -> dict[str, str]:
        """Say what is asked."""
        return self.oracle.describe()


def list_variants(oracle: Oracle, image_shape: tuple[int, int, int]) -> dict[str, Oracle]:
    """Return the oracles that ask in another way, by the name of the way.

    Args:
        oracle: Whom to ask; an HTTP endpoint or an ONNX file that takes numbers has more ways than others.
        image_shape: Channels, height and width of the pictures.
    """
    channels, height, width = image_shape
    found = _vary_numbers(oracle, channels)
    if channels == 3 and not any("colours" in name for name in found):
        found[SWAPPED] = AlteredOracle(oracle, SWAPPED)
    found[INVERTED] = AlteredOracle(oracle, INVERTED)
    if height == width:
        found[TRANSPOSED] = AlteredOracle(oracle, TRANSPOSED)
    return found


def explain_variant(name: str, kind: str) -> str:
    """Return what to do about an endpoint that answers rightly in the way `name`.

    Args:
        name: Of the way.
        kind: Kind of the oracle, as it describes itself.
    """
    if name not in PICTURES:
        return f"give {name}" if kind == "onnx" else f"put {name} into the endpoint file"
    array = "; the endpoint file can do the same to arrays (colours: bgr)" if name == SWAPPED else ""
    return f"no key changes a picture that travels as a file, so the server has to read it as it is{array}"


def _vary_numbers(oracle: Oracle, channels: int) -> dict[str, Oracle]:
    """Return the ways to send the same picture as other numbers; none for an oracle that gets a file."""
    if isinstance(oracle, OnnxOracle):
        changed = _vary_form("--onnx-input ", "=", oracle.form, channels, oracle.takes_floats)
        return {name: _replace(oracle, form=form) for name, form in changed.items()}
    wire = oracle.wire if isinstance(oracle, RemoteOracle) else None
    if isinstance(wire, GenericHttp):
        requests = _vary_form("request.", ": ", wire.request, channels, True)
        return {name: _replace(oracle, wire=wire.model_copy(update={"request": it})) for name, it in requests.items()}
    if isinstance(wire, OpenInference):
        inputs = _vary_form("input.", ": ", wire.input, channels, wire.input.datatype.startswith("FP"))
        return {name: _replace(oracle, wire=wire.model_copy(update={"input": it})) for name, it in inputs.items()}
    return {}


def _vary_form(place: str, equals: str, form: FormT, channels: int, floats: bool) -> dict[str, FormT]:
    """Return the forms that differ from `form` in one respect and are allowed, by the text that asks for each."""
    now = form.model_dump()
    scale = 255 if now["values"] == "grey" else 1
    changes: list[dict[str, object]] = []
    if channels == 3:
        changes.append({"colours": "rgb" if now["colours"] == "bgr" else "bgr"})
    if floats:
        changes.append({"values": "unit" if now["values"] == "grey" else "grey"})
        if now["mean"] or now["std"]:
            changes.append({"mean": None, "std": None})
        for pair in NORMALISATIONS[channels]:
            mean, std = (tuple(round(scale * number, 6) for number in numbers) for numbers in pair)
            changes.append({"mean": mean, "std": std})
    found = {}
    for change in changes:
        with suppress(ValidationError):
            changed = type(form).model_validate(now | change)
            if changed != form:
                found[_write(place, equals, change)] = changed
    return found


def _write(place: str, equals: str, change: dict[str, object]) -> str:
    """Return a change as it is written in the endpoint file, or as an option."""
    if equals == "=":
        given = ",".join(f"{name}={_join(value, '/')}" for name, value in change.items() if value is not None)
        return place + (given or "without mean and std")
    return ", ".join(f"{place}{name}{equals}{_join(value, ', ')}" for name, value in change.items())


def _join(value: object, comma: str) -> str:
    if isinstance(value, tuple):
        numbers = comma.join(f"{number:g}" for number in value)
        return f"[{numbers}]" if comma == ", " else numbers
    return "null" if value is None else str(value)


def _replace(oracle: Oracle, **changes: object) -> Oracle:
    """Return the oracle with other attributes; it shares everything else, its budget of requests too."""
    changed = copy.copy(oracle)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed
