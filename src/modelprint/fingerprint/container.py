"""The container of a `.mprint` file: a ZIP of stored members, written one way and read with suspicion. Needs no torch.

The person who hands over a fingerprint may be the one it accuses, so everything in the file is hostile until checked.
The bytes must have one reading only: members are stored, follow each other without gap or overlap, and every other
field of a ZIP has the one value we write. So no bit of a file can change unnoticed. Names are compared with a pattern
and never used as a path.
"""

import io
import os
import re
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from modelprint.errors import FingerprintError
from modelprint.pixels import SIDE_LIMIT

SAMPLE_LIMIT = 10_000
"""Most samples in one file; each may bring its source."""
CONTROL_LIMIT = 64
"""Most ordinary images with known labels in one file."""
MEMBER_LIMIT = 2 * SAMPLE_LIMIT + CONTROL_LIMIT + 2
MANIFEST_BYTES = 16 * 2**20
PICTURE_BYTES = 8 * 2**20
ARRAY_BYTES = 256 * 2**20
SIGNATURE_BYTES = 64 * 2**10
FILE_BYTES = 512 * 2**20

MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
NAMES = re.compile(r"manifest\.json|signature\.json|(samples|sources|controls)/[0-9]{4}\.png|arrays/[a-z_]{1,24}\.npy")
LONGEST_NAME = len("arrays/") + 24 + len(".npy")

# Sizes of the fixed parts of a ZIP, and the records that end it.
LOCAL_HEADER = 30
DIRECTORY_ENTRY = 46
END_RECORD = struct.Struct("<4sHHHHIIH")
ZIP64_LOCATOR_SIZE = 20

# A fixed date makes equal fingerprints equal files; 1980 is the first year a ZIP can name.
EPOCH = (1980, 1, 1, 0, 0, 0)
PLAIN_FILE = 0o100644 << 16
UNIX = 3
MADE_BY = bytes([20, UNIX])
"""Version 2.0 of the format, on Unix: what every directory entry says first."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_COLOURS = {0: 1, 2: 3}
"""Colour type of the PNG header -> channels."""


def write_members(path: Path, members: Mapping[str, bytes]) -> None:
    """Write `members` in their order; the file appears under its name only once it is complete.

    Raises:
        FingerprintError: When the disk refuses, or a limit would make the file unreadable.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            _check_size(path, name, len(content))
            archive.writestr(_make_entry(name), content)
    if buffer.tell() > FILE_BYTES:
        raise FingerprintError(
            f"{path}: would have {buffer.tell()} bytes, the limit is {FILE_BYTES}; keep fewer samples"
        )
    _replace(path, buffer.getvalue())


def read_members(path: Path) -> dict[str, bytes]:
    """Return the content of every member by name, in file order.

    1. Refuse a file that is too large before reading it.
    2. Read the end record ourselves: it bounds the directory before a library allocates anything for it.
    3. Check every entry against the one layout we write.
    4. Read the members; the library compares their checksums.

    Raises:
        FingerprintError: Says what is wrong with the file.
    """
    content = _read_bounded(path)  # (1)
    _check_end(path, content)  # (2)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_entries(path, content, archive.infolist())  # (3)
            return {entry.filename: archive.read(entry) for entry in archive.infolist()}  # (4)
    except FingerprintError:
        raise
    except Exception as problem:  # zipfile raises many kinds on damaged files: BadZipFile, struct.error, ValueError
        raise FingerprintError(f"{path}: the archive is damaged: {problem}") from problem


def read_png_shape(png: bytes) -> tuple[int, int, int]:
    """Return channels, height and width of an 8-bit grey or RGB PNG that holds nothing but pixels.

    Colour profiles, gamma and transparency make two servers see two images, so only the three chunks that every PNG
    needs may be there.

    Raises:
        ValueError: When the bytes are anything else.
    """
    if not png.startswith(PNG_SIGNATURE):
        raise ValueError("not a PNG")
    chunks = _split_chunks(png)
    kinds = [kind for kind, _ in chunks]
    if kinds[:1] != [b"IHDR"] or kinds[-1:] != [b"IEND"] or set(kinds[1:-1]) != {b"IDAT"} or len(chunks[0][1]) != 13:
        found = ", ".join(sorted({ascii(kind)[2:-1] for kind in kinds})) or "none"
        raise ValueError(f"a sample is a PNG of IHDR, IDAT and IEND chunks only, found {found}")
    width, height, depth, colour, *methods = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or colour not in PNG_COLOURS or any(methods):
        raise ValueError(f"expected a plain 8-bit grey or RGB PNG, got depth {depth} and colour type {colour}")
    if not (1 <= width <= SIDE_LIMIT and 1 <= height <= SIDE_LIMIT):
        raise ValueError(f"a picture is 1 to {SIDE_LIMIT} pixels wide and high, got {width} x {height}")
    return PNG_COLOURS[colour], height, width


def _split_chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Return kind and content of every chunk; ValueError when they do not fill the file exactly."""
    chunks = []
    position = len(PNG_SIGNATURE)
    while position < len(png):
        if position + 12 > len(png):
            raise ValueError("the PNG ends in the middle of a chunk")
        (length,) = struct.unpack_from(">I", png, position)
        end = position + 12 + length
        if end > len(png):
            raise ValueError("the PNG ends in the middle of a chunk")
        chunks.append((png[position + 4 : position + 8], png[position + 8 : end - 4]))
        position = end
    return chunks


def _read_bounded(path: Path) -> bytes:
    """Return the bytes of `path`, never more than the limit."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise FingerprintError(f"{path}: is not a regular file")  # opening a FIFO would wait for its writer
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES + 1) if os.fstat(file.fileno()).st_size <= FILE_BYTES else None
    except OSError as problem:
        raise FingerprintError(f"{path}: cannot be read: {problem.strerror or problem}") from problem
    if content is None or len(content) > FILE_BYTES:
        raise FingerprintError(f"{path}: larger than {FILE_BYTES} bytes, the most a fingerprint may have")
    return content


def _check_end(path: Path, content: bytes) -> None:
    """Refuse a file whose end record is not the plain one that follows a small directory."""
    if len(content) < END_RECORD.size or content[-END_RECORD.size :][:4] != b"PK\x05\x06":
        raise FingerprintError(f"{path}: not a .mprint file, or cut off: the record that ends a ZIP is missing")
    _, disk, first_disk, here, count, size, start, comment = END_RECORD.unpack(content[-END_RECORD.size :])
    if count > MEMBER_LIMIT:
        raise FingerprintError(f"{path}: has {count} members, the limit is {MEMBER_LIMIT}")
    before = len(content) - END_RECORD.size
    # A 64-bit end record would be believed in place of this one.
    large = content[: -END_RECORD.size][-ZIP64_LOCATOR_SIZE:].startswith(b"PK\x06\x07")
    if large or disk or first_disk or comment or here != count or start + size != before:
        raise FingerprintError(f"{path}: the archive is not laid out as a .mprint file; something was added or removed")
    longest = DIRECTORY_ENTRY + LONGEST_NAME
    if size > count * longest:
        raise FingerprintError(f"{path}: the directory of {count} members has {size} bytes, more than names can fill")


def _check_entries(path: Path, content: bytes, entries: list[zipfile.ZipInfo]) -> None:
    """Refuse entries that are compressed, misnamed, repeated, too large, or not stored one directly after the other."""
    seen: set[str] = set()
    directory = b""
    position = 0
    for entry in entries:
        name = entry.orig_filename
        if not NAMES.fullmatch(name):
            raise FingerprintError(f"{path}: has a member {ascii(name)[:80]} that does not belong in a fingerprint")
        if name in seen:
            raise FingerprintError(f"{path}: has {name} twice")
        seen.add(name)
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise FingerprintError(f"{path}: {name} is compressed; members are stored as they are")
        _check_size(path, name, entry.file_size)
        header = _make_header(entry)
        if entry.header_offset != position or not content.startswith(header, position):
            raise FingerprintError(
                f"{path}: {name} is not where or what the layout says; something was added or removed"
            )
        # A directory entry repeats the header; then lengths of comment, disk and attributes, and the offset.
        place = struct.pack("<HHHII", 0, 0, 0, PLAIN_FILE, position)
        directory += b"PK\x01\x02" + MADE_BY + header[4:LOCAL_HEADER] + place + name.encode()
        position += len(header) + entry.file_size
    if content[position : -END_RECORD.size] != directory:
        raise FingerprintError(f"{path}: the directory is not what the members say; something was added or removed")


def _make_header(entry: zipfile.ZipInfo) -> bytes:
    """Return the bytes we would write before a member of this name, size and checksum."""
    plain = _make_entry(entry.orig_filename)
    plain.CRC, plain.file_size, plain.compress_size = entry.CRC, entry.file_size, entry.compress_size
    return plain.FileHeader(zip64=False)


def _make_entry(name: str) -> zipfile.ZipInfo:
    """Return the directory entry of a member as we write it, without size and checksum."""
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = UNIX  # wherever it is written
    entry.external_attr = PLAIN_FILE
    return entry


def _check_size(path: Path, name: str, size: int) -> None:
    """Refuse a member above the limit of its kind."""
    fixed = {MANIFEST: MANIFEST_BYTES, SIGNATURE: SIGNATURE_BYTES}
    limit = fixed.get(name, ARRAY_BYTES if name.endswith(".npy") else PICTURE_BYTES)
    if size > limit:
        raise FingerprintError(f"{path}: {name} has {size} bytes, the limit is {limit}")


def _replace(path: Path, content: bytes) -> None:
    """Put `content` under `path` in one step: readers see the old file or the new one, never a part."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise FingerprintError(f"{path}: cannot be written: it is not a regular file and is not replaced")
    temporary: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_read_umask())
        temporary.replace(path)
    except OSError as problem:
        raise FingerprintError(f"{path}: cannot be written: {problem.strerror or problem}") from problem
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _read_umask() -> int:
    """Return the mask of the process; asking for it is only possible by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
