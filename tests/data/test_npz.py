"""NumPy archives, honest and hostile."""

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from modelprint.data import npz
from modelprint.data.npz import read_npz
from modelprint.errors import DataError

LABELS = np.array([1, 0])


def save(path: Path, **arrays: np.ndarray) -> Path:
    """Write `arrays` as an archive."""
    np.savez(path, allow_pickle=True, **arrays)
    return path


def test_a_whole_set_is_read(tmp_path: Path) -> None:
    """`pixels`, `labels` and `class_names` are one part without a name."""
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
    path = save(tmp_path / "a.npz", pixels=pixels, labels=LABELS, class_names=np.array(["cat", "dog"]))

    parts = read_npz(path)

    assert list(parts) == [""]
    assert np.array_equal(parts[""].pixels, pixels)
    assert parts[""].labels.tolist() == [1, 0]
    assert parts[""].class_names == ("cat", "dog")
    assert parts[""].name == "a.npz"


def test_a_set_in_two_parts_is_read(tmp_path: Path) -> None:
    """The names that Keras uses, with channels last and labels in a column; both parts have all classes."""
    images = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    path = save(
        tmp_path / "a.npz", x_train=images, y_train=np.array([[0]]), x_test=images, y_test=np.array([[2]], np.uint8)
    )

    parts = read_npz(path, name="ours")

    assert {part: images.name for part, images in parts.items()} == {"train": "ours/train", "test": "ours/test"}
    assert parts["train"].pixels[0, :, 0, 1].tolist() == [3, 4, 5]
    assert parts["train"].class_names == parts["test"].class_names == ("0", "1", "2")


def test_three_axes_are_grey(tmp_path: Path) -> None:
    """Images without channels get one."""
    path = save(tmp_path / "a.npz", pixels=np.zeros((2, 4, 5), np.uint8), labels=LABELS)

    assert read_npz(path)[""].image_shape == (1, 4, 5)


GOOD = {"pixels": np.zeros((2, 4, 5), np.uint8), "labels": LABELS}


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"pixels": np.zeros((2, 4, 5))}, "pixels is float64, expected uint8"),
        ({"pixels": np.zeros((2, 4), np.uint8)}, "pixels has 2 axes"),
        ({"pixels": np.zeros((2, 3, 4, 3), np.uint8)}, "both of its axes 2 and 4"),
        ({"pixels": np.zeros((2, 4, 4, 4), np.uint8)}, "neither of its axes 2 and 4"),
        ({"pixels": np.zeros((2, 1, 5000), np.uint8)}, "images of 1 x 5000, the limit is 4096"),
        ({"labels": np.zeros(2)}, "labels is float64, expected integers"),
        ({"labels": np.zeros((2, 2), np.int64)}, "labels has 2 axes"),
        ({"labels": np.zeros(3, np.int64)}, "2 images but 3 labels"),
        ({"class_names": np.array([1, 2])}, "class_names is int64"),
    ],
)
def test_arrays_of_another_kind_are_refused(arrays: dict[str, np.ndarray], reason: str, tmp_path: Path) -> None:
    """The error names the array and what it is."""
    with pytest.raises(DataError, match=reason):
        read_npz(save(tmp_path / "a.npz", **(GOOD | arrays)))


@pytest.mark.parametrize("keys", [("x_train", "y_train"), ("pixels",), ("other",)])
def test_other_names_are_refused(keys: tuple[str, ...], tmp_path: Path) -> None:
    """The error says which arrays there are and which there should be."""
    path = save(tmp_path / "a.npz", **dict.fromkeys(keys, LABELS))

    with pytest.raises(DataError, match=f"expected the arrays x_train.* found {', '.join(keys)}"):
        read_npz(path)


def test_objects_are_never_loaded(tmp_path: Path) -> None:
    """An array of Python objects is refused without running what is in it."""
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
            return (Path.touch, (ran,))

    path = save(tmp_path / "a.npz", **(GOOD | {"labels": np.array([Trap(), Trap()], dtype=object)}))

    with pytest.raises(DataError, match="not a readable"):
        read_npz(path)
    assert not ran.exists()


def test_a_boastful_header_is_refused(tmp_path: Path) -> None:
    """A member that promises more entries than it has bytes takes no memory."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2**40,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("pixels.npy", header.getvalue())
        archive.writestr("labels.npy", header.getvalue())

    with pytest.raises(DataError, match=r"pixels\.npy states \(1099511627776,\) entries, but holds fewer"):
        read_npz(tmp_path / "a.npz")


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All members together have a limit, looked up before any is unpacked."""
    monkeypatch.setattr(npz, "DECODED_LIMIT", 100)

    with pytest.raises(DataError, match="more than the limit of 100"):
        read_npz(save(tmp_path / "a.npz", **GOOD))


def test_damaged_and_missing_files_are_errors_of_ours(tmp_path: Path) -> None:
    """What is no archive, or only half of one, is a DataError that names the file."""
    path = save(tmp_path / "a.npz", **GOOD)
    whole = path.read_bytes()

    for content in (b"", b"nothing", whole[: len(whole) // 2], whole.replace(b"NUMPY", b"NOMPY")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.npz: not a readable \.npz file"):
            read_npz(path)
    with pytest.raises(DataError, match="no such file"):
        read_npz(tmp_path / "b.npz")


def test_a_label_beyond_the_limit_makes_no_names(tmp_path: Path) -> None:
    """Each class has a name in memory, so one label of eight bytes could take all there is."""
    for labels in (np.array([0, 2**62]), np.array([0, 2**63], np.uint64), np.array([0, -1])):
        with pytest.raises(DataError, match="label"):
            read_npz(save(tmp_path / "a.npz", **(GOOD | {"labels": labels})))


def members(path: Path, compression: int = zipfile.ZIP_DEFLATED, **contents: bytes) -> Path:
    """Write an archive with these members."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(f"{name}.npy", content)
    return path


def array_bytes(array: np.ndarray) -> bytes:
    """Return `array` as NumPy writes it into a file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.replace(b"'descr'", b"2descr'"),  # a tokenizer's error
        lambda content: content[:20] + b"[" * (len(content) - 20),
        lambda content: content.replace(b"False", b"1<<99"),
        lambda content: content.replace(b"(2,)", b"(-2)"),
        lambda content: content[:8],
        lambda content: b"",
    ],
)
def test_a_damaged_header_is_an_error_of_ours(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Python's own parser reads it, with errors of its own."""
    contents = {key: array_bytes(array) for key, array in GOOD.items()}

    with pytest.raises(DataError, match=r"a\.npz: not a readable \.npz file"):
        read_npz(members(tmp_path / "a.npz", **(contents | {"labels": damage(contents["labels"])})))


def test_a_damaged_archive_is_an_error_of_ours(tmp_path: Path) -> None:
    """Encrypted members, flipped bits of compressed ones, a method of compression without a bound."""
    contents = {key: array_bytes(array) for key, array in GOOD.items()}
    path = members(tmp_path / "a.npz", **contents)
    whole = path.read_bytes()
    central = whole.index(b"PK\x01\x02")
    for position, value in ((central + 8, whole[central + 8] | 1), (60, whole[60] ^ 0xFF)):
        path.write_bytes(whole[:position] + bytes([value]) + whole[position + 1 :])
        with pytest.raises(DataError, match=r"a\.npz: "):
            read_npz(path)
    with pytest.raises(DataError, match="is compressed by method 12; use deflate"):
        read_npz(members(tmp_path / "b.npz", zipfile.ZIP_BZIP2, **contents))


def test_a_directory_that_states_too_much_is_refused(tmp_path: Path) -> None:
    """A member cannot hold a thousand times its bytes, and members cannot share the same ones."""
    contents = {key: array_bytes(array) for key, array in GOOD.items()}
    path = members(tmp_path / "a.npz", **contents)
    whole = path.read_bytes()
    central = whole.index(b"PK\x01\x02")
    for offset, value, message in ((24, 2**30, "can hold"), (20, 2**20, "longer than the file")):
        path.write_bytes(whole[: central + offset] + struct.pack("<I", value) + whole[central + offset + 4 :])
        with pytest.raises(DataError, match=message):
            read_npz(path)


def test_other_members_are_left_unread(tmp_path: Path) -> None:
    """A note, or an array of objects, that nobody asked for."""
    contents = {key: array_bytes(array) for key, array in GOOD.items()}

    assert len(read_npz(members(tmp_path / "a.npz", **contents, notes=b"no array"))[""]) == 2


def test_more_class_names_than_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of no letters cost nothing in a file."""
    monkeypatch.setattr(npz, "CLASS_LIMIT", 1)

    with pytest.raises(DataError, match="2 class names, more than the limit of 1"):
        read_npz(save(tmp_path / "a.npz", **GOOD, class_names=np.array(["a", "b"])))


def test_a_fifo_is_no_archive(tmp_path: Path) -> None:
    """It would be waited for."""
    os.mkfifo(tmp_path / "a.npz")

    with pytest.raises(DataError, match="is not a regular file"):
        read_npz(tmp_path / "a.npz")
