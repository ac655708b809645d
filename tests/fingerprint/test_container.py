"""The container is read exactly as it was written, or refused with one line that says why."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from modelprint.errors import FingerprintError
from modelprint.fingerprint import container
from modelprint.fingerprint.container import read_members, read_png_shape
from modelprint.fingerprint.integrity import Fingerprint

Change = Callable[[dict[str, Any], dict[str, bytes]], object]
Remake = Callable[[Path, Change], Path]

FORMAT_1 = Path(__file__).parents[1] / "golden" / "format-1.mprint"

IN_PLACE = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Each example overwrites the same file, so sharing the folder of the test is right."""


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def encoded(image: Image.Image, **options: Any) -> bytes:
    """Return an image as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


GREY = Image.new("L", (8, 8), 7)


def test_anyone_can_open_the_pictures(saved: Path) -> None:
    """A fingerprint is an ordinary ZIP of ordinary PNG files."""
    with zipfile.ZipFile(saved) as archive:
        assert archive.namelist()[:3] == ["manifest.json", "samples/0000.png", "samples/0001.png"]
        assert archive.testzip() is None
        with Image.open(io.BytesIO(archive.read("sources/0001.png"))) as image:
            assert (image.mode, image.size) == ("L", (8, 8))


def test_an_old_file_stays_until_the_new_one_is_complete(
    saved: Path, monkeypatch: pytest.MonkeyPatch, example: Callable[..., Fingerprint]
) -> None:
    """A crash while saving leaves the old file, and no rubbish beside it."""
    before = saved.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(container.os, "fsync", full)
    with pytest.raises(FingerprintError, match="cannot be written: No space left on device"):
        example(2).save(saved)

    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_saving_into_a_missing_folder_says_so(tmp_path: Path, example: Callable[..., Fingerprint]) -> None:
    """The error names the file and the reason."""
    with pytest.raises(FingerprintError, match=r"nowhere/x\.mprint: cannot be written: No such file"):
        example().save(tmp_path / "nowhere" / "x.mprint")


def test_what_could_not_be_read_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: Callable[..., Fingerprint]
) -> None:
    """The limits hold for the writer as well, so no owner seals a file that nobody can open."""
    monkeypatch.setattr(container, "FILE_BYTES", 1000)
    with pytest.raises(FingerprintError, match="the limit is 1000; keep fewer samples"):
        example().save(tmp_path / "large.mprint")

    monkeypatch.setattr(container, "PICTURE_BYTES", 50)
    with pytest.raises(FingerprintError, match=r"samples/0000\.png has \d+ bytes, the limit is 50"):
        example().save(tmp_path / "large.mprint")
    assert not (tmp_path / "large.mprint").exists()


@IN_PLACE
@given(data=st.data())
def test_no_bit_can_flip_unseen(saved: Path, data: st.DataObject, reason: Callable[[Path], str]) -> None:
    """Whichever bit of a file is flipped, it is refused."""
    content = bytearray(FORMAT_1.read_bytes())
    position = data.draw(st.integers(0, len(content) * 8 - 1))
    content[position // 8] ^= 1 << position % 8
    saved.write_bytes(content)

    reason(saved)


@pytest.mark.parametrize("part", ["headers", "directory"])
def test_no_bit_of_a_header_can_flip_unseen(
    saved: Path, part: str, example: Callable[..., Fingerprint], reason: Callable[[Path], str]
) -> None:
    """Dates, versions, attributes, sizes and offsets of a small file: every single bit matters."""
    example(1).save(saved)
    good = saved.read_bytes()
    start = good.index(b"PK\x01\x02")
    positions = range(start, len(good)) if part == "directory" else range(30)

    for position in positions:
        for bit in range(8):
            content = bytearray(good)
            content[position] ^= 1 << bit
            saved.write_bytes(content)
            reason(saved)


@IN_PLACE
@given(size=st.integers(0, FORMAT_1.stat().st_size - 1))
def test_a_truncated_file_is_refused(saved: Path, size: int, reason: Callable[[Path], str]) -> None:
    """A file that ends early is never half a fingerprint."""
    saved.write_bytes(FORMAT_1.read_bytes()[:size])

    reason(saved)


@IN_PLACE
@given(content=st.binary(max_size=2000))
def test_any_other_file_is_refused(saved: Path, content: bytes, reason: Callable[[Path], str]) -> None:
    """Random bytes, alone or around a good file, are no fingerprint."""
    for spoilt in (content, content + b"x" + FORMAT_1.read_bytes(), FORMAT_1.read_bytes() + b"x" + content):
        saved.write_bytes(spoilt)
        reason(saved)


@pytest.mark.parametrize(
    "name",
    [
        "../evil.png",
        "/etc/passwd",
        "samples/../../evil.png",
        "samples\\0000.png",
        "samples/0.png",
        "samples/00000.png",
        "samples/0000.png/",
        "samples/0000.PNG",
        "samples/\u0660\u0660\u0660\u0660.png",
        "C:evil",
        "signature.json",
        "samples/0000.png\nx",
        "\x1b[31mred",
        "",
    ],
)
def test_a_strange_name_is_refused(saved: Path, name: str, reason: Callable[[Path], str]) -> None:
    """Names that leave the archive, belong to nothing or play with the terminal get no further than their spelling."""
    members = read_members(saved)
    with zipfile.ZipFile(saved, "w") as archive:
        for known, content in members.items():
            archive.writestr(zipfile.ZipInfo(known, container.EPOCH), content)
        archive.writestr(zipfile.ZipInfo(name, container.EPOCH), b"x")

    message = reason(saved)

    assert message.isprintable()
    assert {path.name for path in saved.parent.iterdir()} == {"good.mprint"}


def test_a_member_that_is_there_twice_is_refused(saved: Path, reason: Callable[[Path], str]) -> None:
    """Two members of one name would let two readers see two files."""
    members = read_members(saved)
    with zipfile.ZipFile(saved, "w") as archive:
        for known, content in members.items():
            archive.writestr(container._make_entry(known), content)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(container._make_entry("samples/0000.png"), members["samples/0001.png"])

    assert reason(saved) == "has samples/0000.png twice"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compressed_member_is_refused_unopened(saved: Path, method: int, reason: Callable[[Path], str]) -> None:
    """A zip bomb needs compression, so there is none."""
    with zipfile.ZipFile(saved, "w", method) as archive:
        archive.writestr("manifest.json", bytes(3 * 2**20))

    assert saved.stat().st_size < 10_000
    assert reason(saved) == "manifest.json is compressed; members are stored as they are"


def test_members_that_share_their_bytes_are_refused(saved: Path, reason: Callable[[Path], str]) -> None:
    """The other kind of zip bomb: many directory entries that point to one place."""
    content = saved.read_bytes()
    with zipfile.ZipFile(saved) as archive:
        offset = archive.getinfo("samples/0001.png").header_offset
    start = content.index(b"PK\x01\x02")
    entry = content.index(b"samples/0002.png", start) - 4  # the field before the name is the offset
    saved.write_bytes(content[:entry] + struct.pack("<I", offset) + content[entry + 4 :])

    assert "samples/0002.png" in reason(saved)


def test_a_directory_of_millions_is_refused_before_it_is_read(
    saved: Path, monkeypatch: pytest.MonkeyPatch, reason: Callable[[Path], str]
) -> None:
    """The number of members and the size of their directory are bounded by the last 22 bytes."""
    end = struct.Struct("<4sHHHHIIH")
    saved.write_bytes(end.pack(b"PK\x05\x06", 0, 0, 65535, 65535, 0, 0, 0))
    assert reason(saved) == "has 65535 members, the limit is 20065"

    saved.write_bytes(bytes(5000) + end.pack(b"PK\x05\x06", 0, 0, 1, 1, 5000, 0, 0))
    monkeypatch.setattr(container.zipfile, "ZipFile", None)
    assert reason(saved) == "the directory of 1 members has 5000 bytes, more than names can fill"


def test_a_64_bit_end_record_is_refused(saved: Path, reason: Callable[[Path], str]) -> None:
    """It would be believed in place of the bounded one."""
    content = saved.read_bytes()
    *fields, start, comment = struct.unpack("<4sHHHHIIH", content[-22:])
    fields[5] += 20
    saved.write_bytes(content[:-22] + b"PK\x06\x07" + bytes(16) + struct.pack("<4sHHHHIIH", *fields, start, comment))

    assert "not laid out as a .mprint file" in reason(saved)


def test_an_archive_comment_is_refused(saved: Path, reason: Callable[[Path], str]) -> None:
    """Nothing may hide after the last member."""
    with zipfile.ZipFile(saved, "a") as archive:
        archive.comment = b"PK\x05\x06" + bytes(16) + b"\x00\x00"

    reason(saved)


def test_a_large_file_is_refused_unread(
    saved: Path, monkeypatch: pytest.MonkeyPatch, reason: Callable[[Path], str]
) -> None:
    """The size is looked at before anything else."""
    with saved.open("r+b") as file:
        file.truncate(container.FILE_BYTES + 1)  # a hole: it takes no room

    assert "larger than 536870912 bytes" in reason(saved)


def test_a_large_member_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch, reason: Callable[[Path], str]) -> None:
    """Each kind of member has its limit."""
    monkeypatch.setattr(container, "PICTURE_BYTES", 60)
    assert "samples/0000.png has" in reason(saved)
    monkeypatch.setattr(container, "MANIFEST_BYTES", 60)
    assert "manifest.json has" in reason(saved)


def test_a_missing_file_a_folder_and_an_empty_file_are_said_to_be_so(
    tmp_path: Path, reason: Callable[[Path], str]
) -> None:
    """The commonest mistakes have plain messages."""
    (tmp_path / "empty").touch()

    assert reason(tmp_path / "none") == "cannot be read: No such file or directory"
    assert reason(tmp_path) == "cannot be read: Is a directory"
    assert "not a .mprint file, or cut off" in reason(tmp_path / "empty")


@pytest.mark.parametrize(("width", "height"), [(0, 8), (8, 0), (4097, 8), (2**31, 2**31)])
def test_a_picture_of_an_impossible_size_is_refused_by_its_header(width: int, height: int) -> None:
    """No memory is asked for before the size is known to be sane."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")

    with pytest.raises(ValueError, match=f"1 to 4096 pixels wide and high, got {width} x {height}"):
        read_png_shape(png)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200), whole=st.booleans())
def test_any_bytes_are_a_plain_png_or_a_value_error(content: bytes, whole: bool) -> None:
    """The little PNG reader never fails in another way."""
    png = encoded(GREY)
    try:
        read_png_shape(content if whole else png[: len(content)] + content + png[len(content) :])
    except ValueError as problem:
        assert str(problem).isprintable()
