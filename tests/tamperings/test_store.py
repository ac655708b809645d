"""Suspects are kept by content; what is damaged is noticed, reported and made again."""

import json
import logging
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from modelprint import work
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.loading import RECORD, load_like, read_weights, save_weights
from modelprint.tamperings import SUITE, Suspect, make_suspect
from modelprint.tamperings.store import load_or_make_suspect, load_suspect, save_suspect
from modelprint.tensors import to_images


def load_or_make(model: Classifier, data: DataSet, folder: Path) -> tuple[Suspect, Path]:
    """Store a suspect; returns it and its file."""
    suspect = load_or_make_suspect("flip-sign", SUITE["flip-sign"](), model, data, 5, folder=folder)
    return suspect, next(folder.glob("*.safetensors"))


def rewrite(path: Path, **changes: object) -> None:
    """Change facts of the record, and one weight when none is given."""
    tensors = load_file(path)
    metadata = read_weights(path)[1]
    if not changes:
        tensors["linear.bias"][0] += 1e-3
    record = {**json.loads(metadata[RECORD]), **changes}
    save_file(tensors, path, metadata={**metadata, RECORD: json.dumps(record)})


@pytest.mark.parametrize("changes", [{}, {"steps": 7}, {"checksum": "0"}])
def test_an_entry_that_was_changed_is_reported_and_made_again(
    changes: dict[str, object], tiny_model: Classifier, split: DataSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One weight by a thousandth, or one fact of the record: the checksum disagrees."""
    first, path = load_or_make(tiny_model, split, tmp_path)
    rewrite(path, **changes)

    with caplog.at_level(logging.WARNING, "modelprint"):
        again, _ = load_or_make(tiny_model, split, tmp_path)

    assert again.classifier.digest() == first.classifier.digest()
    assert again.steps == first.steps
    assert [path.name in text and "does not agree with its checksum" in text for text in caplog.messages] == [True]
    assert load_suspect(tiny_model, path).movement == first.movement


def test_a_whole_entry_is_read_in_silence(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The same facts come back, and nobody is warned."""
    first, path = load_or_make(tiny_model, split, tmp_path)
    stamp = path.stat().st_mtime_ns

    again, _ = load_or_make(tiny_model, split, tmp_path)

    assert again.record() == first.record() | {"seconds": round(first.seconds, 3)}
    assert path.stat().st_mtime_ns == stamp
    assert caplog.messages == []


def test_an_entry_without_a_checksum_is_taken_as_it_is(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Older versions wrote none."""
    first, path = load_or_make(tiny_model, split, tmp_path)
    save_weights(first.classifier, path, first.record())
    stamp = path.stat().st_mtime_ns

    again, _ = load_or_make(tiny_model, split, tmp_path)

    assert again.classifier.digest() == first.classifier.digest()
    assert path.stat().st_mtime_ns == stamp
    assert caplog.messages == []


def test_an_entry_whose_record_is_of_something_else_is_made_again(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Weights without facts."""
    first, path = load_or_make(tiny_model, split, tmp_path)
    save_weights(first.classifier, path, {"who": "knows"})

    again, _ = load_or_make(tiny_model, split, tmp_path)

    assert again.classifier.digest() == first.classifier.digest()
    assert "its record is not that of a suspect" in caplog.text


@pytest.mark.parametrize("full", [False, True])
def test_a_suspect_that_cannot_be_written_is_not_lost(
    full: bool,
    tiny_model: Classifier,
    split: DataSet,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder that cannot be made, or a disk without space: the suspect is returned and the log says so."""
    if full:
        monkeypatch.setattr(work, "save_file", lambda *_, **__: (_ for _ in ()).throw(full_disk()))
    else:
        (tmp_path / "suspects").write_text("a file where the folder should be")

    suspect = load_or_make_suspect("prune-20", SUITE["prune-20"](), tiny_model, split, 0, folder=tmp_path / "suspects")

    assert suspect.movement.parameters > 0
    assert "could not be saved" in caplog.text
    assert list(tmp_path.rglob("*.safetensors")) == []
    with pytest.raises(OSError):
        save_suspect(suspect, tmp_path / "suspects" / "s.safetensors")


def full_disk() -> Exception:
    """What safetensors raises when there is no space left."""
    from safetensors import SafetensorError

    return SafetensorError(
        'Error while serializing: I/O error: Os { code: 28, kind: StorageFull, message: "No space" }'
    )


@pytest.mark.parametrize("kind", ["int8-dynamic", "int8-weights", "finetune-all-1e-3"])
def test_a_saved_suspect_answers_as_before(kind: str, tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """Weights and record go through a safetensors file, integer layers included."""
    suspect, images = make_suspect(kind, SUITE[kind](), tiny_model, split, seed=0), to_images(split.test.pixels)

    save_weights(suspect.classifier, tmp_path / "s.safetensors", suspect.record())
    loaded, record = load_like(tiny_model, tmp_path / "s.safetensors")

    assert torch.equal(loaded.logits(images), suspect.classifier.logits(images))
    assert record == suspect.record()


def test_a_stored_suspect_is_made_once_and_again_when_damaged(
    tiny_model: Classifier, split: DataSet, tmp_path: Path
) -> None:
    """The second call reads the file; a spoilt file is replaced."""
    arguments = ("flip-sign", SUITE["flip-sign"](), tiny_model, split, 5)

    first = load_or_make_suspect(*arguments, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    stamp = path.stat().st_mtime_ns
    second = load_or_make_suspect(*arguments, folder=tmp_path)
    assert path.stat().st_mtime_ns == stamp
    assert second.classifier.digest() == first.classifier.digest()
    assert second.movement == first.movement

    path.write_bytes(path.read_bytes()[:100])
    third = load_or_make_suspect(*arguments, folder=tmp_path)
    assert third.classifier.digest() == first.classifier.digest()
