"""The page about endpoints explains every key, and every description on it is one that is accepted."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from modelprint.oracles.endpoint import KINDS, load_endpoint
from modelprint.oracles.wire import WireFormat

PAGE = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text(encoding="utf-8")
DESCRIPTIONS = [
    block for block in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE) if "endpoint:" in block
]


def endpoint(text: str) -> dict[str, Any]:
    """Return what a description says, every value as text: in plain YAML the key `on` would be true."""
    described: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)["endpoint"]
    return described


def keys(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """Yield the path of every key of a description, through all its parts."""
    for name, field in model.model_fields.items():
        yield (name,)
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from ((name, *path) for path in keys(kind))


def shown(part: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the path of every key that is written in a description."""
    for name, value in part.items():
        yield (name,)
        if isinstance(value, Mapping):
            yield from ((name, *path) for path in shown(value))


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_in_a_description(kind: str) -> None:
    """Each key stands, in its place, in a description of its kind; one that all kinds have, in any description."""
    written: dict[str, set[tuple[str, ...]]] = {name: set() for name in KINDS}
    for described in map(endpoint, DESCRIPTIONS):
        written[described["kind"]] |= set(shown(described))
    anywhere = set[tuple[str, ...]]().union(*written.values())

    for path in keys(KINDS[kind]):
        assert path in (anywhere if path[0] in WireFormat.model_fields else written[kind]), ".".join(path)


@pytest.mark.parametrize("text", DESCRIPTIONS)
def test_every_description_is_accepted(text: str, tmp_path: Path) -> None:
    """Copied as it stands, with its secrets in the environment."""
    (tmp_path / "endpoint.yaml").write_text(text)
    secrets = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "secret")

    described = load_endpoint(tmp_path / "endpoint.yaml", environ=secrets).describe()

    assert described["kind"] == endpoint(text)["kind"]
