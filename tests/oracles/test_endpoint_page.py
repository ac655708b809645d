from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from modelprint.oracles.endpoint import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text(encoding="utf-8")


def keys(model: type[BaseModel]) -> set[str]:
    """Return every key of a description and of its parts."""
    inner = [kind for field in model.model_fields.values() for kind in (field.annotation, *get_args(field.annotation))]
    parts = [kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return set(model.model_fields).union(*map(keys, parts))


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_explained(kind: str) -> None:
    """The page shows each key of each kind in a description."""
    missing = {key for key in keys(KINDS[kind]) if f"{key}:" not in PAGE}

    assert missing == set()
