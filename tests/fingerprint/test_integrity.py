"""A fingerprint file is read exactly as it was written, or refused with one line that says why."""

import hashlib
import io
import json
import math
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from modelprint.errors import FingerprintError
from modelprint.fingerprint import container, pictures
from modelprint.fingerprint.container import plain_png_shape, read_members, write_members
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import Preprocessing, ProfileRecord, Provenance, Release, Sample
from modelprint.pixels import Picture

FORMAT_1 = Path(__file__).parents[1] / "golden" / "format-1.mprint"
FORMAT_2 = FORMAT_1.with_name("format-2.mprint")
FORMAT_2_DIGEST = "d2f1f173d3afeeffe68ca97dd86528ed64421756a2e2225a72c59bcca8cc5f2d"
FORMAT_1_DIGEST = "e1ac708d1d982842d6d78d5ac2ed8c858527432224e5121431d0690c5b4f527f"

IN_PLACE = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Each example overwrites the same file, so sharing the folder of the test is right."""


def picture(index: int, shape: tuple[int, int, int] = (1, 8, 8)) -> Picture:
    """Return a picture unlike that of any other index."""
    ramp = np.arange(math.prod(shape)).reshape(shape)
    return Picture.of(((ramp * 3 + index * 17) % 256).astype(np.uint8))


def example(count: int = 5) -> Fingerprint:
    """Return the fingerprint that tests/golden/format-1.mprint was saved from, by `example().save(FORMAT_1)`."""
    samples = tuple(
        Sample(
            picture=picture(index),
            label=index % 3,
            margin=1e-3 * 2**index,
            confidence=0.5 + index / 20000,
            source=picture(100 + index) if index % 2 else None,
        )
        for index in range(count)
    )
    return Fingerprint(
        samples=samples,
        class_names=("zero", "Straße", "二"),
        profile=ProfileRecord(name="fp32", floor=2e-5, variants={"float64": 1e-5, "batch-7": 2e-5}),
        preprocessing=Preprocessing(channels=1, height=8, width=8, colour="L"),
        provenance=Provenance(
            method="example",
            settings={"steps": 40, "rate": 0.125, "kinds": ["a", "b"], "inner": {"on": True, "none": None}},
            seed=7,
            network="digits",
            model_sha256="0123456789abcdef" * 4,
            data="digits/train",
            data_sha256="fedcba9876543210" * 4,
            created="2026-01-31T12:00:00Z",
            version="0.1.0",
            crafted=8,
            lost_rounding=2,
            lost_steadiness=1,
            notes={"purpose": "stays readable for ever"},
        ),
    )


def with_releases() -> Fingerprint:
    """Return the fingerprint that tests/golden/format-2.mprint was saved from, by `with_releases().save(FORMAT_2)`."""
    return replace(
        example(),
        releases=(
            Release(name="1.3 (Straße)", labels=(0, 2, 1, None, 1), model_sha256="89abcdef" * 8),
            Release(name="1.4 (int8)", labels=(0, 1, 2, 0, 1), precision="int8"),
        ),
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A good file to be spoilt."""
    path = tmp_path / "good.mprint"
    example().save(path)
    return path


def remade(path: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> Path:
    """Return a well-formed archive whose manifest and members went through `change`."""
    members = read_members(path)
    manifest = json.loads(members.pop("manifest.json"))
    change(manifest, members)
    write_members(path, {"manifest.json": rfc8785.dumps(manifest), **members})
    return path


def with_manifest(path: Path, content: bytes) -> Path:
    """Return an archive with these very bytes as its manifest."""
    write_members(path, read_members(path) | {"manifest.json": content})
    return path


def reason(path: Path) -> str:
    """Return why a file is refused, and check that the message is one line that starts with its path."""
    with pytest.raises(FingerprintError) as caught:
        Fingerprint.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


# Writing and reading


def test_the_file_of_format_1_stays_readable() -> None:
    """A file written by the first release reads as what it was made from; its digest never changes."""
    loaded = Fingerprint.load(FORMAT_1)

    made = example()
    assert loaded.digest == FORMAT_1_DIGEST
    assert [one.label for one in loaded.samples] == [0, 1, 2, 0, 1]
    for one, other in zip(loaded.samples, made.samples, strict=True):
        np.testing.assert_array_equal(one.picture.pixels, other.picture.pixels)
        assert (one.margin, one.confidence) == (other.margin, other.confidence)
        assert (one.source is None) == (other.source is None)
    assert replace(loaded, samples=made.samples) == made


def test_the_file_of_format_2_stays_readable() -> None:
    """Labels of releases, those that are not sure too, read as they were written; the digest never changes."""
    loaded, made = Fingerprint.load(FORMAT_2), with_releases()

    assert loaded.digest == FORMAT_2_DIGEST
    assert loaded.releases == made.releases
    assert replace(loaded, samples=made.samples) == made


def test_without_releases_old_versions_can_read_what_is_written(saved: Path) -> None:
    """Such a file is of format 1, whose digest it keeps; with releases it is of format 2."""
    assert Fingerprint.load(saved).digest == FORMAT_1_DIGEST
    assert json.loads(example().manifest)["format"] == 1
    assert json.loads(with_releases().manifest)["format"] == 2


def test_what_is_saved_is_what_is_loaded(saved: Path) -> None:
    """Nothing is lost on the way: pictures byte for byte, numbers exactly."""
    assert Fingerprint.load(saved) == example()


def test_equal_fingerprints_are_equal_files(tmp_path: Path) -> None:
    """The bytes depend on nothing but the content: no clock, no order of dictionaries."""
    other = example()
    other = replace(other, profile=replace(other.profile, variants=dict(reversed(other.profile.variants.items()))))

    example().save(tmp_path / "a.mprint")
    other.save(tmp_path / "b.mprint")

    assert (tmp_path / "a.mprint").read_bytes() == (tmp_path / "b.mprint").read_bytes()


def test_the_digest_is_that_of_the_manifest(saved: Path) -> None:
    """Anyone can compute the identity with unzip and sha256sum."""
    with zipfile.ZipFile(saved) as archive:
        manifest = archive.read("manifest.json")

    assert example().digest == hashlib.sha256(manifest).hexdigest()
    assert manifest == rfc8785.dumps(json.loads(manifest))


def test_anyone_can_open_the_pictures(saved: Path) -> None:
    """A fingerprint is an ordinary ZIP of ordinary PNG files."""
    with zipfile.ZipFile(saved) as archive:
        assert archive.namelist()[:3] == ["manifest.json", "samples/0000.png", "samples/0001.png"]
        assert archive.testzip() is None
        with Image.open(io.BytesIO(archive.read("sources/0001.png"))) as image:
            assert (image.mode, image.size) == ("L", (8, 8))


@pytest.mark.parametrize("change", ["label", "margin", "picture", "name", "flip rate"])
def test_every_part_is_in_the_digest(change: str) -> None:
    """Two fingerprints that differ anywhere have different identities."""
    made = example()
    first, *others = made.samples
    changed = {
        "label": replace(made, samples=(replace(first, label=2), *others)),
        "margin": replace(made, samples=(replace(first, margin=0.5), *others)),
        "picture": replace(made, samples=(replace(first, picture=picture(55)), *others)),
        "name": replace(made, class_names=("zero", "one", "two")),
        "flip rate": replace(made, expected_flip_rate=0.3),
    }[change]

    assert changed.digest != made.digest


@settings(max_examples=60, deadline=None)
@given(
    margin=st.floats(min_value=0, max_value=1e300),
    confidence=st.floats(min_value=0, max_value=1),
    name=st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20),
    setting=st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcé"), inner, max_size=3),
        max_leaves=8,
    ),
)
def test_any_number_and_text_survives(
    tmp_path_factory: pytest.TempPathFactory, margin: float, confidence: float, name: str, setting: Any
) -> None:
    """Canonical JSON keeps every float, every whole number up to 2**53 and every printable text."""
    path = tmp_path_factory.mktemp("any") / "any.mprint"
    made = example(1)
    made = replace(
        made,
        samples=(replace(made.samples[0], margin=margin, confidence=confidence),),
        class_names=(name, "other"),
        provenance=replace(made.provenance, settings={"any": setting}),
    )

    made.save(path)

    assert Fingerprint.load(path) == made


def test_an_old_file_stays_until_the_new_one_is_complete(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash while saving leaves the old file, and no rubbish beside it."""
    before = saved.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(container.os, "fsync", full)
    with pytest.raises(FingerprintError, match="cannot be written: No space left on device"):
        example(2).save(saved)

    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_saving_into_a_missing_folder_says_so(tmp_path: Path) -> None:
    """The error names the file and the reason."""
    with pytest.raises(FingerprintError, match=r"nowhere/x\.mprint: cannot be written: No such file"):
        example().save(tmp_path / "nowhere" / "x.mprint")


def test_what_could_not_be_read_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits hold for the writer as well, so no owner seals a file that nobody can open."""
    monkeypatch.setattr(container, "FILE_BYTES", 1000)
    with pytest.raises(FingerprintError, match="the limit is 1000; keep fewer samples"):
        example().save(tmp_path / "large.mprint")

    monkeypatch.setattr(container, "PICTURE_BYTES", 50)
    with pytest.raises(FingerprintError, match=r"samples/0000\.png has \d+ bytes, the limit is 50"):
        example().save(tmp_path / "large.mprint")
    assert not (tmp_path / "large.mprint").exists()


def test_a_summary_says_what_matters() -> None:
    """Digest, model, method, counts and rates are there to be read."""
    text = example().summary()

    assert example().digest in text
    assert "samples      5 of 8 x 8 L" in text
    assert "3; most samples: zero 2, Straße 2, 二 1" in text
    assert "noise floor 2e-05 logits over 2 variants, margins at least 3 times that" in text
    assert "2 to rounding, 1 to noise, of 8 crafted" in text


def test_a_summary_says_how_many_samples_tell_a_release_from_the_protected_model() -> None:
    """Samples on which a release is not sure of its label do not count."""
    made = with_releases()

    assert "release      1.3 (Straße): 2 of 5 samples tell it from the protected model" in made.summary()
    assert "release      1.4 (int8): 0 of 5 samples tell it from the protected model" in made.summary()
    assert made.separations == {
        "the protected model": {"1.3 (Straße)": 2, "1.4 (int8)": 0},
        "1.3 (Straße)": {"1.4 (int8)": 2},
    }


def test_json_is_the_manifest_with_the_digest() -> None:
    """A program finds everything but the pictures in one object."""
    record = json.loads(example().to_json())

    assert record.pop("digest") == example().digest
    assert record == json.loads(example().manifest)


def test_a_fingerprint_cannot_be_changed() -> None:
    """Sealed means sealed."""
    with pytest.raises(FrozenInstanceError):
        example().samples = ()  # type: ignore[misc]


def test_the_documented_manifest_has_the_real_entries() -> None:
    """The sample in the documents names every entry there is, and no other."""
    page = (Path(__file__).parents[2] / "docs" / "file-format.md").read_text()
    documented = json.loads(page.partition("```json\n")[2].partition("```")[0])
    real = json.loads(example(1).manifest)

    assert documented.keys() == real.keys()
    for part in ("preprocessing", "profile", "provenance", "members"):
        assert documented[part].keys() == real[part].keys()
    assert documented["samples"][0].keys() == real["samples"][0].keys()
    releases = json.loads(page.rpartition("```json\n")[2].partition("```")[0])["releases"]
    assert releases[0].keys() == json.loads(with_releases().manifest)["releases"][0].keys()


# Damaged and hostile archives


@IN_PLACE
@given(data=st.data())
def test_no_bit_can_flip_unseen(saved: Path, data: st.DataObject) -> None:
    """Whichever bit of a file is flipped, it is refused."""
    content = bytearray(FORMAT_1.read_bytes())
    position = data.draw(st.integers(0, len(content) * 8 - 1))
    content[position // 8] ^= 1 << position % 8
    saved.write_bytes(content)

    reason(saved)


@pytest.mark.parametrize("part", ["headers", "directory"])
def test_no_bit_of_a_header_can_flip_unseen(saved: Path, part: str) -> None:
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
def test_a_truncated_file_is_refused(saved: Path, size: int) -> None:
    """A file that ends early is never half a fingerprint."""
    saved.write_bytes(FORMAT_1.read_bytes()[:size])

    reason(saved)


@IN_PLACE
@given(content=st.binary(max_size=2000))
def test_any_other_file_is_refused(saved: Path, content: bytes) -> None:
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
def test_a_strange_name_is_refused(saved: Path, name: str) -> None:
    """Names that leave the archive, belong to nothing or play with the terminal get no further than their spelling."""
    members = read_members(saved)
    with zipfile.ZipFile(saved, "w") as archive:
        for known, content in members.items():
            archive.writestr(zipfile.ZipInfo(known, container.EPOCH), content)
        archive.writestr(zipfile.ZipInfo(name, container.EPOCH), b"x")

    message = reason(saved)

    assert message.isprintable()
    assert {path.name for path in saved.parent.iterdir()} == {"good.mprint"}


def test_a_member_that_is_there_twice_is_refused(saved: Path) -> None:
    """Two members of one name would let two readers see two files."""
    members = read_members(saved)
    with zipfile.ZipFile(saved, "w") as archive:
        for known, content in members.items():
            archive.writestr(container._entry(known), content)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(container._entry("samples/0000.png"), members["samples/0001.png"])

    assert reason(saved) == "has samples/0000.png twice"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compressed_member_is_refused_unopened(saved: Path, method: int) -> None:
    """A zip bomb needs compression, so there is none."""
    with zipfile.ZipFile(saved, "w", method) as archive:
        archive.writestr("manifest.json", bytes(3 * 2**20))

    assert saved.stat().st_size < 10_000
    assert reason(saved) == "manifest.json is compressed; members are stored as they are"


def test_members_that_share_their_bytes_are_refused(saved: Path) -> None:
    """The other kind of zip bomb: many directory entries that point to one place."""
    content = saved.read_bytes()
    with zipfile.ZipFile(saved) as archive:
        offset = archive.getinfo("samples/0001.png").header_offset
    start = content.index(b"PK\x01\x02")
    entry = content.index(b"samples/0002.png", start) - 4  # the field before the name is the offset
    saved.write_bytes(content[:entry] + struct.pack("<I", offset) + content[entry + 4 :])

    assert "samples/0002.png" in reason(saved)


def test_a_directory_of_millions_is_refused_before_it_is_read(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of members and the size of their directory are bounded by the last 22 bytes."""
    end = struct.Struct("<4sHHHHIIH")
    saved.write_bytes(end.pack(b"PK\x05\x06", 0, 0, 65535, 65535, 0, 0, 0))
    assert reason(saved) == "has 65535 members, the limit is 20001"

    saved.write_bytes(bytes(5000) + end.pack(b"PK\x05\x06", 0, 0, 1, 1, 5000, 0, 0))
    monkeypatch.setattr(container.zipfile, "ZipFile", None)
    assert reason(saved) == "the directory of 1 members has 5000 bytes, more than names can fill"


def test_a_64_bit_end_record_is_refused(saved: Path) -> None:
    """It would be believed in place of the bounded one."""
    content = saved.read_bytes()
    *fields, start, comment = struct.unpack("<4sHHHHIIH", content[-22:])
    fields[5] += 20
    saved.write_bytes(content[:-22] + b"PK\x06\x07" + bytes(16) + struct.pack("<4sHHHHIIH", *fields, start, comment))

    assert "not laid out as a .mprint file" in reason(saved)


def test_an_archive_comment_is_refused(saved: Path) -> None:
    """Nothing may hide after the last member."""
    with zipfile.ZipFile(saved, "a") as archive:
        archive.comment = b"PK\x05\x06" + bytes(16) + b"\x00\x00"

    reason(saved)


def test_a_large_file_is_refused_unread(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is looked at before anything else."""
    with saved.open("r+b") as file:
        file.truncate(container.FILE_BYTES + 1)  # a hole: it takes no room

    assert "larger than 536870912 bytes" in reason(saved)


def test_a_large_member_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of member has its limit."""
    monkeypatch.setattr(container, "PICTURE_BYTES", 60)
    assert "samples/0000.png has" in reason(saved)
    monkeypatch.setattr(container, "MANIFEST_BYTES", 60)
    assert "manifest.json has" in reason(saved)


def test_a_missing_file_a_folder_and_an_empty_file_are_said_to_be_so(tmp_path: Path) -> None:
    """The commonest mistakes have plain messages."""
    (tmp_path / "empty").touch()

    assert reason(tmp_path / "none") == "cannot be read: No such file or directory"
    assert reason(tmp_path) == "cannot be read: Is a directory"
    assert "not a .mprint file, or cut off" in reason(tmp_path / "empty")


# Hostile manifests


def test_an_unknown_format_is_refused_whatever_else_is_new(saved: Path) -> None:
    """A newer file is not called damaged; the user is told to update."""

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        manifest.update({"format": 3, "novelty": {}})

    assert reason(remade(saved, change)) == (
        "format 3 is unknown to this version, which reads formats 1 to 2; install a newer modelprint"
    )


@pytest.mark.parametrize("value", [True, "1", None, [1], 1.5])
def test_a_format_is_a_number(saved: Path, value: object) -> None:
    """Nothing that merely equals 1 passes for it."""

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        manifest["format"] = value

    assert reason(remade(saved, change)) == "manifest.json names no format; this is no fingerprint"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"format":1',
        b'{"format":1e999}',
        b'{"format":NaN}',
        b'{"format":' + b"9" * 5000 + b"}",
        b'"\\ud800"',
    ],
)
def test_a_manifest_that_is_no_json_object_is_refused(saved: Path, content: bytes) -> None:
    """Broken text, endless nesting, endless and impossible numbers."""
    assert reason(with_manifest(saved, content)).startswith("manifest.json ")


def test_a_missing_manifest_is_said_to_be_missing(saved: Path) -> None:
    """An archive of pictures is no fingerprint."""
    members = read_members(saved)
    del members["manifest.json"]
    write_members(saved, members)

    assert reason(saved).startswith("manifest.json is missing or damaged")


@pytest.mark.parametrize("spoil", ["space", "order", "duplicate", "escape", "number"])
def test_only_the_canonical_spelling_is_read(saved: Path, spoil: str) -> None:
    """One fingerprint has one manifest and so one digest."""
    good = example().manifest
    record = json.loads(good)
    content = {
        "space": good + b" ",
        "order": json.dumps(dict(reversed(record.items())), separators=(",", ":"), ensure_ascii=False).encode(),
        "duplicate": good.replace(b'"format":1', b'"format":2,"format":1'),
        "escape": good.replace("二".encode(), b"\\u4e8c"),
        "number": good.replace(b'"seed":7', b'"seed":7.0'),
    }[spoil]
    assert content != good

    assert "not canonical JSON" in reason(with_manifest(saved, content))


def put(*keys: str | int, value: object) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    """Return a change that sets one place of the manifest."""

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        place: Any = manifest
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("samples", 1, "label", value=3), "sample 1 has label 3, but there are 3 class names"),
        (put("samples", 1, "label", value=-1), "cannot be negative, got -1"),
        (put("samples", 1, "label", value=True), "manifest.json: samples.1.label: "),
        (put("samples", 1, "label", value=1.5), "manifest.json: samples.1.label: "),
        (put("samples", 1, "label", value="1"), "manifest.json: samples.1.label: "),
        (put("samples", 1, "margin", value=-0.5), "at least 0, got -0.5"),
        (put("samples", 1, "margin", value=None), "manifest.json: samples.1.margin: "),
        (put("samples", 1, "confidence", value=1.25), "a confidence is a probability, got 1.25"),
        (put("samples", 1, "extra", value=0), "manifest.json: samples.1.extra: "),
        (put("samples", value=[]), "which belongs to none of its 0 samples"),
        (put("class_names", value=["one"]), "2 to 1000000 classes, got 1"),
        (put("class_names", 0, value="\x1b[2J"), "cannot be printed: '\\x1b[2J'"),
        (put("class_names", 0, value="a\u202eb"), "cannot be printed"),
        (put("expected_flip_rate", value=1), "lies between the honest flip rate 0.0001 and 1, got 1"),
        (put("expected_flip_rate", value=0.00001), "lies between the honest flip rate 0.0001 and 1"),
        (put("profile", "flip_rate", value=0), "manifest.json: profile: profile fp32: flip_rate is a probability"),
        (put("profile", "floor", value=-1), "floor is a finite number, at least 0, got -1"),
        (put("profile", "variants", "batch-7", value="x"), "manifest.json: profile.variants.batch-7: "),
        (put("profile", "novelty", value=1), "manifest.json: profile.novelty: "),
        (put("preprocessing", "colour", value="RGB"), "colour 'RGB' does not go with 1 channels"),
        (put("preprocessing", "colour", value="BGR"), "manifest.json: preprocessing.colour: "),
        (put("preprocessing", "height", value=9), "sample 0 has shape (1, 8, 8)"),
        (put("preprocessing", "width", value=10**6), "1 to 4096 pixels wide and high"),
        (put("preprocessing", "value_range", value=[0]), "manifest.json: preprocessing.value_range"),
        (put("provenance", "seed", value=-1), "seed is a whole number from 0 to 2**53 - 1, got -1"),
        (put("provenance", "model_sha256", value="abc"), "model_sha256 is 64 hexadecimal digits, got 'abc'"),
        (put("provenance", "created", value="2026-01-31T12:00:00+01:00"), "created is a time in UTC"),
        (put("provenance", "created", value="yesterday"), "created is a time in UTC"),
        (put("provenance", "lost_rounding", value=9), "10 samples were lost, but only 8 were crafted"),
        (put("provenance", "notes", value={"\x07": "bell"}), "cannot be printed"),
        (put("provenance", "settings", value={"deep": ["\x00"]}), "cannot be printed"),
        (
            lambda manifest, members: manifest["profile"].pop("variants"),
            "manifest.json is not spelled as we write it; an entry is missing",
        ),
        (put("members", "samples/0000.png", "size", value=1), "but manifest.json says 1"),
        (put("members", "samples/0000.png", "sha256", value="0" * 64), "samples/0000.png was changed: its SHA-256 is"),
        (put("members", "../x", value={"sha256": "0" * 64, "size": 1}), "manifest.json lists '../x', which belongs to"),
        (put("members", "sources/0000.png", value={"sha256": "0" * 64, "size": 1}), "sources/0000.png is missing"),
    ],
)
def test_a_wrong_entry_is_named(
    saved: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None], expected: str
) -> None:
    """The message says which entry of the manifest is wrong and how."""
    assert expected in reason(remade(saved, change))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("releases", value=[]), "manifest.json: releases: format 2 has at least one, format 1 has no such entry"),
        (put("releases", value=None), "manifest.json: releases: "),
        (put("format", value=1), "manifest.json: releases: format 2 has at least one, format 1 has no such entry"),
        (put("releases", 0, "labels", 1, value=3), "release 1.3 (Straße) has label 3, but there are 3 class names"),
        (put("releases", 0, "labels", 1, value=-1), "release 1.3 (Straße) has label -1; a label is a class index"),
        (put("releases", 0, "labels", 1, value=True), "manifest.json: releases.0.labels.1: "),
        (put("releases", 0, "labels", 1, value=1.5), "manifest.json: releases.0.labels.1: "),
        (put("releases", 0, "labels", value=[0, 1]), "release 1.3 (Straße) has 2 labels for 5 samples"),
        (put("releases", 0, "labels", value=[0] * 10_001), "has 10001 labels for 5 samples"),
        (put("releases", 0, "labels", value=[]), "release 1.3 (Straße) has no label that is sure"),
        (put("releases", 0, "labels", value=[None] * 5), "release 1.3 (Straße) has no label that is sure"),
        (put("releases", 0, "name", value="1.4 (int8)"), "two releases are called '1.4 (int8)'"),
        (put("releases", 0, "name", value=""), "the name of a release is 1 to 100 printable characters"),
        (put("releases", 0, "name", value="x" * 101), "the name of a release is 1 to 100 printable characters"),
        (put("releases", 0, "name", value="\x1b[2J"), "no space at either end, got '\\x1b[2J'"),
        (put("releases", 0, "name", value="1.3 "), "the name of a release is 1 to 100 printable characters"),
        (put("releases", 0, "name", value="the protected model"), "a release cannot be called 'the protected model'"),
        (put("releases", 0, "precision", value="in\nt8"), "the precision of a release is 1 to 100 printable"),
        (put("releases", 0, "model_sha256", value="abc"), "model_sha256 of release 1.3 (Straße) is 64 hexadecimal"),
        (put("releases", 0, "novelty", value=1), "manifest.json: releases.0.novelty: "),
        (
            put("releases", 0, value={"name": "1.3", "labels": [0] * 5}),
            "manifest.json is not spelled as we write it; an entry is missing",
        ),
        (
            put("releases", value=[vars(Release(name=f"{i}", labels=(0,) * 5)) for i in range(65)]),
            "a fingerprint carries at most 64 releases, got 65",
        ),
    ],
)
def test_a_wrong_release_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None], expected: str
) -> None:
    """Labels, names and numbers of releases are checked like everything else, and each content has one spelling."""
    path = tmp_path / "releases.mprint"
    with_releases().save(path)

    assert expected in reason(remade(path, change))


def test_format_1_has_no_releases(saved: Path) -> None:
    """Not even an empty list of them: the file would have two spellings."""
    expected = "manifest.json: releases: format 2 has at least one, format 1 has no such entry"

    assert reason(remade(saved, put("releases", value=[]))) == expected


@pytest.mark.parametrize("key", sorted(json.loads(example().manifest)))
def test_every_entry_is_needed(saved: Path, key: str) -> None:
    """A manifest without one of its entries is refused, and the message names it."""
    change = remade(saved, lambda manifest, members: manifest.pop(key))

    assert key in reason(change)


def test_members_and_manifest_agree(saved: Path) -> None:
    """No picture too few, none too many."""
    remade(saved, lambda manifest, members: members.pop("samples/0004.png"))
    assert reason(saved) == "samples/0004.png is missing"

    example().save(saved)
    remade(saved, lambda manifest, members: members.update({"sources/0000.png": b"x"}))
    assert reason(saved) == "sources/0000.png is not listed in manifest.json"

    example().save(saved)
    remade(saved, lambda manifest, members: manifest["members"].pop("samples/0002.png"))
    assert reason(saved) == "manifest.json has 5 samples but does not list samples/0002.png"


# Hostile pictures


def with_first_picture(path: Path, png: bytes) -> Path:
    """Return a file whose first sample is these bytes, with a manifest that agrees."""

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        members["samples/0000.png"] = png
        manifest["members"]["samples/0000.png"] = {"sha256": hashlib.sha256(png).hexdigest(), "size": len(png)}

    return remade(path, change)


def encoded(image: Image.Image, **options: Any) -> bytes:
    """Return an image as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


GREY = Image.new("L", (8, 8), 7)


@pytest.mark.parametrize(
    ("png", "expected"),
    [
        (b"", "sample 0: not a PNG"),
        (b"GIF89a", "sample 0: not a PNG"),
        (encoded(Image.new("RGB", (8, 8))), "sample 0 has shape (3, 8, 8)"),
        (encoded(Image.new("L", (9, 8))), "sample 0 has shape (1, 8, 9)"),
        (encoded(Image.new("LA", (8, 8))), "depth 8 and colour type 4"),
        (encoded(Image.new("I;16", (8, 8))), "depth 16 and colour type 0"),
        (encoded(Image.new("1", (8, 8))), "depth 1 and colour type 0"),
        (encoded(Image.new("P", (8, 8))), "IHDR, IDAT and IEND chunks only, found IDAT, IEND, IHDR, PLTE"),
        (encoded(GREY, transparency=7), "found IDAT, IEND, IHDR, tRNS"),
        (encoded(GREY, icc_profile=b"x" * 200), "found IDAT, IEND, IHDR, iCCP"),
        (encoded(GREY, dpi=(72, 72)), "found IDAT, IEND, IHDR, pHYs"),
        (encoded(GREY) + b"more", "the PNG ends in the middle of a chunk"),
        (encoded(GREY) + encoded(GREY)[8:], "a sample is a PNG of IHDR, IDAT and IEND chunks only"),
        (encoded(GREY)[:-5], "the PNG ends in the middle of a chunk"),
        (encoded(GREY)[:20], "the PNG ends in the middle of a chunk"),
        (encoded(GREY)[:8], "found none"),
        (encoded(GREY).replace(b"IDAT", b"\x1b\nAT"), r"found IEND, IHDR, \x1b\nAT"),
    ],
)
def test_a_picture_that_is_not_plain_is_refused(saved: Path, png: bytes, expected: str) -> None:
    """What two servers might read differently, or a sample does not need, is not in a fingerprint."""
    assert expected in reason(with_first_picture(saved, png))


def test_a_picture_whose_pixels_are_broken_is_refused(saved: Path) -> None:
    """Bytes with a good header, a good hash and nothing to decode are found when the file is read, not when asked."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"junk") + chunk(b"IEND", b"")

    assert reason(with_first_picture(saved, png)).startswith("samples/0000.png: not a readable PNG")


def test_the_pixels_of_all_pictures_are_bounded(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file cannot ask for much memory: well-compressed pictures count by their pixels."""
    monkeypatch.setattr(pictures, "PIXEL_LIMIT", 400)

    assert reason(saved) == "the pictures have 448 values together, the limit is 400"


@pytest.mark.parametrize(("width", "height"), [(0, 8), (8, 0), (4097, 8), (2**31, 2**31)])
def test_a_picture_of_an_impossible_size_is_refused_by_its_header(width: int, height: int) -> None:
    """No memory is asked for before the size is known to be sane."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")

    with pytest.raises(ValueError, match=f"1 to 4096 pixels wide and high, got {width} x {height}"):
        plain_png_shape(png)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200), whole=st.booleans())
def test_any_bytes_are_a_plain_png_or_a_value_error(content: bytes, whole: bool) -> None:
    """The little PNG reader never fails in another way."""
    png = encoded(GREY)
    try:
        plain_png_shape(content if whole else png[: len(content)] + content + png[len(content) :])
    except ValueError as problem:
        assert str(problem).isprintable()


# Fingerprints that cannot be made


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: replace(example(), samples=()), "a fingerprint has 1 to 10000 samples, got 0"),
        (lambda: replace(example().samples[0], margin=math.nan), "a margin is a finite difference of logits"),
        (lambda: replace(example().samples[0], margin=math.inf), "a margin is a finite difference of logits"),
        (lambda: replace(example().samples[0], confidence=math.nan), "a confidence is a probability, got nan"),
        (lambda: replace(example().profile, floor=math.nan), "floor is a finite number"),
        (lambda: replace(example().profile, variants={"x": math.inf}), "x is a finite number"),
        (lambda: replace(example().preprocessing, value_range=(0.0, math.inf)), "value_range is two finite numbers"),
        (lambda: replace(example(), class_names=("a", "b", "c\n")), "characters that cannot be printed"),
        (lambda: replace(example(), class_names=("a", "b", "\ud800")), "characters that cannot be printed"),
        (lambda: replace(example().provenance, seed=2**53), "seed is a whole number"),
        (lambda: replace(example().provenance, created="2026-01-31T12:00:00"), "created is a time in UTC"),
    ],
)
def test_what_makes_no_sense_is_a_value_error(make: Callable[[], object], expected: str) -> None:
    """The owner hears about it when the fingerprint is made."""
    with pytest.raises(ValueError, match=expected):
        make()


def test_a_setting_that_json_cannot_carry_is_a_value_error(tmp_path: Path) -> None:
    """A number beyond 2**53 would arrive as another one."""
    made = example()
    made = replace(made, provenance=replace(made.provenance, settings={"large": 2**53}))

    with pytest.raises(ValueError, match="cannot be written as canonical JSON"):
        made.save(tmp_path / "x.mprint")
