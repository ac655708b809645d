"""Small image files whose pixels are known by hand."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

ParquetWriter = Callable[..., Path]


def image_bytes(pixels: np.ndarray, kind: str = "PNG", **settings: bool) -> bytes:
    """Return h w or h w c `pixels` as an image file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind, **settings)
    return buffer.getvalue()


def coloured(level: int, height: int = 2, width: int = 3) -> np.ndarray:
    """Return a colour image whose three channels are `level`, `level` + 1 and `level` + 2."""
    return np.broadcast_to(np.array([level, level + 1, level + 2], dtype=np.uint8), (height, width, 3)).copy()


@pytest.fixture
def image_file() -> Callable[..., bytes]:
    """Encodes pixels; see `image_bytes`."""
    return image_bytes


@pytest.fixture
def colour() -> Callable[..., np.ndarray]:
    """Makes an image of one colour; see `coloured`."""
    return coloured


@pytest.fixture
def write_parquet() -> ParquetWriter:
    """Writes a file in the hub's layout."""

    def write(
        path: Path,
        contents: Sequence[bytes | None],
        labels: Sequence[float | str | None],
        *,
        names: object = None,
        hub_names: Sequence[str] | None = None,
        columns: tuple[str, str] = ("image", "label"),
        as_struct: bool = True,
    ) -> Path:
        images: pa.Array = pa.array(contents, type=pa.binary())
        if as_struct:
            images = pa.StructArray.from_arrays([images, pa.array([""] * len(contents))], ["bytes", "path"])
        metadata = {} if names is None else {"class_names": json.dumps(names)}
        if hub_names is not None:
            metadata["huggingface"] = json.dumps({"info": {"features": {columns[1]: {"names": list(hub_names)}}}})
        table = pa.Table.from_arrays([images, pa.array(labels)], names=list(columns))
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata(metadata), path)
        return path

    return write


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No data anywhere: an empty user's folder, and an empty folder named by the environment."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MODELPRINT_DATA", str(tmp_path / "named"))
    (tmp_path / "named").mkdir()
    return tmp_path / "named"


Encoder = Callable[..., bytes]


Painter = Callable[..., np.ndarray]


@pytest.fixture
def two(image_file: Encoder, colour: Painter) -> list[bytes]:
    """Two colour images of levels 10 and 20."""
    return [image_file(colour(10)), image_file(colour(20))]
