"""Endpoint descriptions: one YAML file says where a classifier is served, how to ask it and how much asking may cost.

    endpoint:
      kind: http
      url: https://api.example.org/v1/classify
      headers: {Authorization: "Bearer ${CLASSIFY_TOKEN}"}
      request: {body: {image: "$IMAGE"}}
      response: {label: "$.result[0].name"}

The description is checked as it was written, before any secret is put in, so no message about it can hold one.
"""

import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import httpx
from pydantic import BaseModel, ValidationError

from modelprint.errors import EndpointError
from modelprint.oracles.http import GenericHttp
from modelprint.oracles.labels import LabelMap
from modelprint.oracles.open_inference import OpenInference
from modelprint.oracles.remote import RemoteOracle
from modelprint.oracles.requests import TRANSPORT_HEADERS, Caller
from modelprint.oracles.secrets import Secrets, collect
from modelprint.oracles.services.table import SERVICES
from modelprint.oracles.wire import WireFormat, check_url
from modelprint.oracles.yaml_text import read_yaml
from modelprint.pixels import Picture

KINDS: dict[str, type[WireFormat]] = {"http": GenericHttp, "open-inference": OpenInference, **SERVICES}

FILE_LIMIT = 256 * 1024
"""Longest endpoint description we read, in bytes."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A served classifier and the way to ask it. Printing one shows the description as written, never a secret.

    Attributes:
        wire: The description, with placeholders.
        secrets: Values behind the placeholders.
    """

    wire: WireFormat
    secrets: Secrets = field(default_factory=Secrets, repr=False)

    def describe(self) -> dict[str, str]:
        """Say what is asked, with placeholders as written."""
        return self.wire.describe()

    def ceiling(self) -> str:
        """Say what a run can cost at most, to be shown before it starts."""
        return self.wire.budget.ceiling()


def load_endpoint(path: Path, *, environ: Mapping[str, str] | None = None) -> Endpoint:
    """Read the endpoint description at `path`.

    Args:
        path: A YAML file; `${file:NAME}` in it is looked up beside it.
        environ: Where `${NAME}` is looked up; by default the environment of this process.

    Raises:
        EndpointError: The file cannot be used; one line says which key is wrong and why.
    """
    try:
        if path.exists() and not path.is_file():
            raise EndpointError("not a regular file")
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
        if len(content) > FILE_LIMIT:
            raise EndpointError(f"longer than {FILE_LIMIT} bytes, which is no endpoint description")
        return parse_endpoint(read_yaml(content.decode("utf-8")), environ=environ, folder=path.parent)
    except OSError as problem:
        raise EndpointError(f"{path}: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise EndpointError(f"{path}: not a UTF-8 text") from None
    except EndpointError as problem:
        raise EndpointError(f"{path}: {problem}") from None


def parse_endpoint(
    document: object, *, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> Endpoint:
    """Check an endpoint description that is already a Python object: `{"endpoint": {"kind": ..., ...}}`."""
    described = document.get("endpoint") if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(described, dict) or not all(isinstance(key, str) for key in described):
        raise EndpointError("expected one top-level key, endpoint, with the description below it")
    kind = described.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise EndpointError(f"endpoint.kind: expected one of {', '.join(KINDS)}")
    try:
        wire = KINDS[kind].model_validate(described)
    except ValidationError as problem:
        raise EndpointError(_summarise_mistakes(problem, KINDS[kind])) from None
    secrets = collect(wire.list_texts(), os.environ if environ is None else environ, folder or Path())
    try:
        check_url(secrets.fill(wire.url))
        httpx.URL(secrets.fill(wire.url))
    except (ValueError, httpx.InvalidURL) as problem:
        reason = "not a URL" if isinstance(problem, httpx.InvalidURL) else problem
        raise EndpointError(f"endpoint.url: {reason}") from None
    return Endpoint(wire=wire, secrets=secrets)


def open_oracle(
    endpoint: Endpoint, class_names: Sequence[str], *, caller: Caller | None = None, rng: random.Random | None = None
) -> RemoteOracle:
    """Return the oracle that asks `endpoint` and answers in indices of `class_names`.

    Args:
        endpoint: Whom to ask.
        class_names: The fingerprint's classes, in index order.
        caller: Sends the requests; by default one with the endpoint's own limits.
        rng: Source of request ids and jitter.

    Raises:
        EndpointError: The label map names an unknown class, or leaves a class without a label.
    """
    wire, source = endpoint.wire, rng or random.Random()
    ours = Caller(limits=wire.limits, retry=wire.retry, budget=wire.budget, rng=source)
    return RemoteOracle(
        wire=wire,
        secrets=endpoint.secrets,
        labels=LabelMap.of(tuple(class_names), wire.labels),
        caller=caller or ours,
        rng=source,
    )


def preview_request(endpoint: Endpoint, picture: Picture) -> str:
    """Return the exact request that would ask about `picture`, with `***` for every secret; sends nothing."""
    message = endpoint.wire.compose(picture, "0" * 32, endpoint.secrets.blank)
    sent = endpoint.wire.compose(picture, "0" * 32, endpoint.secrets.fill)
    headers = [*message.headers, *TRANSPORT_HEADERS.items(), ("Content-Length", str(len(sent.content)))]
    lines = [f"{message.method} {message.url} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\n".join([*lines, "", message.preview])


def _summarise_mistakes(problem: ValidationError, model: type[BaseModel]) -> str:
    """Say where the first of the mistakes is and what it is; the value itself is never repeated."""
    mistakes = problem.errors(include_url=False, include_context=False, include_input=False)
    first = mistakes[0]
    place = ".".join(["endpoint", *(str(part) for part in first["loc"])])
    message = first["msg"]
    ours = "Value error, "
    reason = message.removeprefix(ours) if message.startswith(ours) else message[:1].lower() + message[1:]
    if first["type"] == "extra_forbidden":
        reason = f"unknown key; known keys are {', '.join(_list_keys(model, first['loc'][:-1]))}"
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    return f"{place}: {reason}{more}"


def _list_keys(model: type[BaseModel], place: Sequence[str | int]) -> list[str]:
    for part in place:
        annotation = model.model_fields[str(part)].annotation
        model = next(kind for kind in (annotation, *get_args(annotation)) if _is_model(kind))
    return list(model.model_fields)


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
