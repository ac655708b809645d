"""From the options of `verify`, `own check` and `generate` to the oracle they ask."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from modelprint.cli.console import print_remark
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.oracles.endpoint import load_endpoint, open_oracle, preview_request
from modelprint.oracles.onnx import OnnxOracle
from modelprint.oracles.oracle import Oracle
from modelprint.oracles.pixel_form import PixelForm
from modelprint.pixels import Picture

if TYPE_CHECKING:
    from modelprint.classifier import Classifier


def choose_oracle(
    fingerprint: Fingerprint | OwnershipFingerprint,
    endpoint: Path | None,
    onnx: Path | None,
    network: str | None,
    weights: Path | None,
    image_shape: tuple[int, int, int] | None,
    quiet: bool,
    onnx_input: str | None = None,
    search_path: Path | None = None,
) -> Oracle:
    """Return the oracle behind the one of `endpoint`, `onnx` and `network` that is given.

    Raises:
        ValueError: A local classifier does not fit the fingerprint, or `onnx_input` is no form of pixels.
    """
    if endpoint is not None or onnx is not None:
        return choose_remote_oracle(endpoint, onnx, fingerprint.class_names, quiet, onnx_input)
    from modelprint.oracles.local import LocalOracle

    assert network is not None
    return LocalOracle(load_local(fingerprint, network, weights, image_shape, onnx_input, search_path))


def load_local(
    fingerprint: Fingerprint | OwnershipFingerprint,
    network: str,
    weights: Path | None,
    image_shape: tuple[int, int, int] | None,
    onnx_input: str | None,
    search_path: Path | None,
) -> "Classifier":
    """Return a classifier of one's own that fits the fingerprint, with the normalisation that the file names.

    Raises:
        ValueError: It takes other images or knows other classes, or `onnx_input` is given.
    """
    if onnx_input is not None:
        raise ValueError("--onnx-input belongs to --onnx")
    from modelprint.loading import load_classifier, normalise_outside

    model = load_classifier(network, weights, image_shape=image_shape, search_path=search_path)
    expected, classes = fingerprint.preprocessing.image_shape, len(fingerprint.class_names)
    if (model.image_shape, model.class_count) != (expected, classes):
        raise ValueError(
            f"{network} takes images of shape {model.image_shape} and knows {model.class_count} classes, "
            f"but the fingerprint was made for {expected} and {classes}"
        )
    contract = fingerprint.preprocessing
    if contract.mean is not None and contract.std is not None:
        model = normalise_outside(model, (contract.mean, contract.std))
    return model


def choose_remote_oracle(
    endpoint: Path | None, onnx: Path | None, class_names: Sequence[str], quiet: bool, onnx_input: str | None = None
) -> Oracle:
    """Return the oracle behind the one of `endpoint` and `onnx` that is given: answers, and no weights we can touch."""
    form = parse_pixel_form(onnx_input)
    if endpoint is not None:
        if onnx_input is not None:
            raise ValueError("--onnx-input belongs to --onnx; an endpoint's file says the same with its own keys")
        described = load_endpoint(endpoint)
        print_remark(f"asking {described.describe().get('url', endpoint)}: {described.ceiling()}", quiet)
        return open_oracle(described, class_names)
    assert onnx is not None
    return OnnxOracle(onnx, form)


def parse_pixel_form(text: str | None) -> PixelForm:
    """Return "values=grey,mean=104/117/123" as a form of pixels; None is the usual one.

    Raises:
        ValueError: It is none; the message names the key.
    """
    keys: dict[str, object] = {}
    for part in () if text is None else text.split(","):
        name, equals, value = (side.strip() for side in part.partition("="))
        if not equals or name not in PixelForm.model_fields or name in keys:
            known = ", ".join(PixelForm.model_fields)
            raise ValueError(f"--onnx-input is name=value with commas, names are {known}, got {part!r}")
        keys[name] = value.split("/") if name in ("mean", "std") else value
    try:
        return PixelForm.model_validate(keys)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        place = "".join(f"{name}: " for name in first["loc"][:1])
        raise ValueError(f"--onnx-input: {place}{first['msg'].removeprefix('Value error, ')}") from None


def print_pixel_form(onnx: Path | None, onnx_input: str | None, quiet: bool) -> None:
    """Say how an ONNX file was given its pixels, beside a verdict that another form of them may change."""
    if onnx is not None:
        form = "as float32 from 0 to 1, n c h w (as grey levels when its input is uint8)"
        given = form if onnx_input is None else f"with {onnx_input}"
        print_remark(
            f"{onnx} was given pixels {given}; if it takes them in another form, such as normalised, ask again with "
            "--onnx-input",
            quiet,
        )


def preview(endpoint: Path | None, class_names: Sequence[str], picture: Picture) -> str:
    """Return the request that would be sent for `picture`, the first one, and what a run may cost at most.

    Raises:
        ValueError: There is no endpoint to send it to.
    """
    if endpoint is None:
        raise ValueError("--dry-run shows a request, so it needs --endpoint")
    described = load_endpoint(endpoint)
    open_oracle(described, class_names)  # a label map that does not fit is found before anything is sent
    return f"{preview_request(described, picture)}\n\n# {described.ceiling()}; nothing was sent"
