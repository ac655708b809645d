"""Auxiliary inputs are made once; a damaged entry is made again."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from modelprint.bench.ownership.cache import entry_path, load_or_make_input
from modelprint.cache import VARIABLE
from modelprint.work import Work


def test_an_input_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its unfinished state goes; one whose bytes changed is made again, with a warning."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    calls: list[Work] = []

    def make(work: Work) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        calls.append(work)
        work.save("state", {"half": torch.zeros(1)})
        return {"points": torch.arange(3)}, {"points": 3}

    first, second = (load_or_make_input("border", "k", make) for _ in range(2))
    path = entry_path("border", "k")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        third = load_or_make_input("border", "k", make)

    assert len(calls) == 2
    assert [one.facts for one in (first, second, third)] == [{"points": 3}] * 3
    assert first.tensors["points"].tolist() == third.tensors["points"].tolist() == [0, 1, 2]
    assert first.seconds == second.seconds
    assert "does not agree with its checksum" in caplog.text
    assert calls[0].folder is not None and not calls[0].folder.exists()
