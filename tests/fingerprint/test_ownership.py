"""A file of ownership is read exactly as it was written, or refused with one line that says why."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelprint.errors import FingerprintError
from modelprint.fingerprint.container import read_members, write_members
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.manifest import INTEGRITY, OWNERSHIP, describe_members, read_kind
from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ByLabels, ByViews, array_bytes

FILES = Path(__file__).parents[1] / "golden"
BY_LABELS, BY_VIEWS = FILES / "ownership-labels-1.mprint", FILES / "ownership-views-1.mprint"
DIGESTS = {
    BY_LABELS: "9b52c75f6951df510bffc399a03737f085e970d97a44cc24b507059c2c3fac2e",
    BY_VIEWS: "a8fa1312b60ceb513ad4ce8a20fdf84dfd8e3ce677319a98cb99ddaa6636a5ae",
}
IN_PLACE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Make = Callable[..., OwnershipFingerprint]
Change = Callable[[dict[str, Any], dict[str, bytes]], None]


@pytest.fixture(params=["labels", "views"])
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A good file of either method, to be spoilt."""
    path = tmp_path / "own.mprint"
    request.getfixturevalue(f"told_by_{request.param}")().save(path)
    return path


def remade(path: Path, change: Change) -> Path:
    """Return a well-formed archive whose manifest and members went through `change`, with hashes that agree."""
    members = read_members(path)
    manifest = json.loads(members.pop("manifest.json"))
    change(manifest, members)
    manifest["members"] = describe_members(members)
    write_members(path, {"manifest.json": rfc8785.dumps(manifest), **members})
    return path


def reason(path: Path) -> str:
    """Return why a file is refused: one line that starts with its path."""
    with pytest.raises(FingerprintError) as caught:
        OwnershipFingerprint.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("path", DIGESTS, ids=lambda path: path.stem)
def test_files_of_format_1_stay_readable(path: Path) -> None:
    """What the first version wrote reads for ever, and its digest never changes."""
    assert OwnershipFingerprint.load(path).digest == DIGESTS[path]


def test_what_is_saved_is_what_is_loaded(saved: Path, tmp_path: Path) -> None:
    """Saved again it gives the same bytes."""
    loaded = OwnershipFingerprint.load(saved)

    loaded.save(tmp_path / "again.mprint")

    assert (tmp_path / "again.mprint").read_bytes() == saved.read_bytes()
    assert json.loads(loaded.to_json())["digest"] == loaded.digest
    assert "ownership" in loaded.summary()
    assert loaded.digest in loaded.summary()


def test_anyone_can_open_the_arrays(told_by_views: Make, tmp_path: Path) -> None:
    """They are .npy files, read without pickles."""
    made = told_by_views()
    made.save(tmp_path / "own.mprint")

    for name, content in read_members(tmp_path / "own.mprint").items():
        if name.endswith(".npy"):
            opened = np.load(io.BytesIO(content), allow_pickle=False)
            np.testing.assert_array_equal(opened, made.evidence.arrays[Path(name).stem])


def test_each_kind_points_to_its_own_command(saved: Path) -> None:
    """A file of the other kind is no damage: the message says what checks it."""
    with pytest.raises(FingerprintError, match="whether a model is a copy; check it with: modelprint own check"):
        Fingerprint.load(saved)
    with pytest.raises(FingerprintError, match="whether a model was changed; check it with: modelprint verify"):
        OwnershipFingerprint.load(FILES / "format-1.mprint")
    assert (read_kind(saved), read_kind(FILES / "format-1.mprint")) == (OWNERSHIP, INTEGRITY)


@IN_PLACE
@given(data=st.data())
def test_no_bit_can_flip_unseen(saved: Path, data: st.DataObject) -> None:
    """Whatever single bit is flipped, the file is refused."""
    content = bytearray(saved.read_bytes())
    place = data.draw(st.integers(0, 8 * len(content) - 1))
    content[place // 8] ^= 1 << place % 8
    spoilt = saved.with_name("spoilt.mprint")
    spoilt.write_bytes(content)

    reason(spoilt)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(saved: Path, share: float) -> None:
    """Wherever it is cut."""
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])

    assert "not a .mprint file, or cut off" in reason(saved)


def test_members_and_manifest_agree(told_by_views: Make, tmp_path: Path) -> None:
    """No array too few, none too many, none of another content."""
    path = tmp_path / "own.mprint"
    for change, said in (
        (lambda members: members.pop("arrays/index.npy"), "arrays/index.npy is missing"),
        (lambda members: members.update({"arrays/more.npy": b"x"}), "arrays/more.npy is not listed in manifest.json"),
        (lambda members: members.update({"arrays/index.npy": b"x"}), "arrays/index.npy has 1 bytes, but manifest.json"),
    ):
        told_by_views().save(path)
        members = read_members(path)
        change(members)
        write_members(path, members)
        assert said in reason(path)

    told_by_views().save(path)
    remade(path, lambda manifest, members: members.update({"samples/0000.png": b"x"}))
    assert "lists 'samples/0000.png', which belongs to none of its 9 arrays" in reason(path)


def put(*keys: str | int, value: object) -> Change:
    """Return a change that writes `value` into the manifest."""

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        place: Any = manifest
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("format", value=2), "format 2 is unknown to this version"),
        (put("kind", value="integrity"), "check it with: modelprint verify"),
        (put("more", value=1), "more: Extra inputs are not permitted"),
        (put("references", value=[]), "there are 1 to 100000 references, got 0"),
        (put("references", 0, "model_sha256", value="x"), "64 hexadecimal digits"),
        (put("references", 0, "model_sha256", value=f"{1:064x}"), "is there twice"),
        (put("references", 0, "model_sha256", value="0123456789abcdef" * 4), "the victim is among the references"),
        (put("references", 0, "accuracy", value=1.5), "an accuracy from 0 to 1, got 1.5"),
        (put("references", 0, "relation", value="cousin"), "references.0.relation"),
        (put("references", 0, "made", value="\x1b[2J"), "cannot be printed"),
        (put("provenance", "method", value="other"), "method 'other' has no"),
        (put("provenance", "notes", "victim", value="\x1b[2J"), "cannot be printed"),
        (put("class_names", value=["one"]), "2 to 1000000 classes, got 1"),
        (put("preprocessing", "width", value=9), "shape"),
        (put("evidence", "told_by", value="stars"), "evidence"),
    ],
)
def test_a_wrong_entry_is_named(saved: Path, change: Change, said: str) -> None:
    """Of either method."""
    assert said in reason(remade(saved, change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("evidence", "labels", 0, value=3), "example 0 has label 3, but there are 3 classes"),
        (
            put("evidence", "labels", value=[0, 1, 2]),
            "lists 'samples/0003.png', which belongs to none of its 3 examples",
        ),
        (put("references", 0, "matches", value=5), "a reference gives 0 to 4 examples their label, got 5"),
        (put("references", 0, "matches", value=None), "a reference gives 0 to 4 examples their label, got None"),
    ],
)
def test_a_wrong_example_is_named(told_by_labels: Make, tmp_path: Path, change: Change, said: str) -> None:
    """Labels without a class, matches that cannot be."""
    told_by_labels().save(tmp_path / "own.mprint")

    assert said in reason(remade(tmp_path / "own.mprint", change))


def array(name: str, value: np.ndarray) -> Change:
    """Return a change that puts another array into its member."""
    return lambda manifest, members: members.update({f"arrays/{name}.npy": array_bytes(value)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (array("index", np.full((3, 2), 4, dtype="<i8")), "index points to picture 4, but there are 4"),
        (array("index", np.full((3, 2), -1, dtype="<i8")), "index points to picture -1"),
        (array("index", np.zeros((3, 2), dtype="<f4")), "index.npy holds float32 of shape (3, 2), expected int64"),
        (array("levels", np.zeros((1, 2, 3), dtype="<i2")), "levels has shape (1, 2, 3), expected (1, 2, 2)"),
        (array("victim", np.full((3, 12), 2, dtype="<f4")), "victim holds numbers that are no probabilities"),
        (array("victim", np.full((3, 12), np.nan, dtype="<f4")), "victim holds numbers that are not finite"),
        (array("victim", np.zeros((3, 16), dtype="<f4")), "expected (5, 16) to go with the others"),
        (array("represented", np.zeros((27, 3, 4), dtype="<f4")), "27 references answered, but 28 are named"),
        (array("represented", np.zeros((28, 3, 6), dtype="<f4")), "expected (6, 5) to go with the others"),
        (array("hidden_weight", np.zeros((5, 11), dtype="<f4")), "expected (5, 12) to go with the others"),
        (put("evidence", "fooled", value=11), "11 fooled images of 10 are no share"),
        (put("evidence", "wanted", value=1.5), "1.5 is none"),
        (put("evidence", "seen", value=["x"]), "64 hexadecimal digits, got 'x'"),
        (put("evidence", "seen", value=[f"{3:064x}"]), "the encoder was trained on reference"),
        (put("references", 0, "matches", value=1), "labels are not compared"),
    ],
)
def test_a_wrong_array_is_named(told_by_views: Make, tmp_path: Path, change: Change, said: str) -> None:
    """Whose numbers, shapes or kinds do not go together."""
    told_by_views().save(tmp_path / "own.mprint")

    assert said in reason(remade(tmp_path / "own.mprint", change))


def test_evidence_belongs_to_its_method(told_by_labels: Make, told_by_views: Make) -> None:
    """Examples are no views, and counts have to agree."""
    labels, views = told_by_labels(), told_by_views()
    assert isinstance(labels.evidence, ByLabels)
    assert isinstance(views.evidence, ByViews)

    with pytest.raises(ValueError, match="'c-examples' has no views"):
        replace(labels, evidence=views.evidence)
    with pytest.raises(ValueError, match="'uap' has no C-examples"):
        replace(views, evidence=labels.evidence)
    with pytest.raises(ValueError, match="got 4 examples and 1 labels"):
        replace(labels.evidence, labels=(0,))


def test_a_summary_says_what_is_asked_and_what_is_known(told_by_labels: Make, told_by_views: Make) -> None:
    """In a few lines."""
    text = told_by_labels().summary()
    assert "the labels of 4 examples" in text
    assert "19 references (retrain-all-short*19), accuracy median 87.5%; 0 to 1 of 4 labels match" in text
    assert "9 references (prune-80*9), accuracy median 87.5%; 3 to 4 of 4 labels match" in text
    assert "no references" in told_by_labels(19, 0).summary()

    views = told_by_views()
    assert "all probabilities for 8 pictures: 3 views of 2 points" in views.summary()
    assert "all probabilities for 4 pictures: 1 views of 2 points" in views.describe_questions(1)
    assert "fools 80.0% of the test images" in views.summary()
