"""Parquet files in the image layout of the Hugging Face hub: one column of image files, one of labels.

An image is a struct with the file's `bytes` (and a `path`, which is not opened) or the bytes themselves. Class names
are in the schema's metadata: key `class_names` (a JSON list), or key `huggingface` (the hub's feature
description, with the names under the label column). Labels are integers, or texts that are the names themselves, in the
order of `order_class_names`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelprint.data.decoded import load_or_decode
from modelprint.data.images import Size, stack
from modelprint.data.labelled_images import LabelledImages
from modelprint.data.names import number_classes, order_class_names
from modelprint.errors import DataError
from modelprint.files import open_regular, refuse_damage
from modelprint.progress import Progress, ignore_progress, track_steps

IMAGE_COLUMNS = ("image", "img", "Path")
"""Default names of the image column, in order of preference; the traffic signs on the hub use `Path`."""

LABEL_COLUMNS = ("label", "labels", "fine_label", "ClassId")
"""Default names of the label column, in order of preference."""

BATCH = 512


def read_parquet(
    path: Path,
    *,
    name: str = "",
    image_column: str | None = None,
    label_column: str | None = None,
    size: Size | None = None,
    progress: Progress = ignore_progress,
) -> LabelledImages:
    """Read one parquet file; decoded pixels are cached, keyed by the content of the file.

    Args:
        path: The file.
        name: Name of the images in messages; the file's name when empty.
        image_column: Column with the image files; None takes the first of `IMAGE_COLUMNS`.
        label_column: Column with the labels; None takes the first of `LABEL_COLUMNS`.
        size: Resize every image to this height and width; with None all must have the same size.
        progress: Called after each decoded image.

    Raises:
        DataError: The file, a row or a column cannot be used; the message names it.
    """
    name = name or path.name

    def read() -> LabelledImages:
        with _open(path) as file:
            if file.metadata.num_rows > path.stat().st_size:
                raise DataError(f"{path}: states {file.metadata.num_rows} rows, more than it has bytes")
            return _read(file, name, image_column, label_column, size, progress)

    open_regular(path, DataError).close()
    images = load_or_decode(path, repr((image_column, label_column, size)), read)
    return replace(images, name=name)


def count_parquet(path: Path) -> int:
    """Return the number of images in a parquet file, without decoding any."""
    with _open(path) as file:
        return int(file.metadata.num_rows)


@contextmanager
def _open(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a parquet file; what fails while it is read is a DataError."""
    open_regular(path, DataError).close()
    with refuse_damage(f"{path}: not a readable parquet file", DataError), pq.ParquetFile(path) as file:
        yield file


def _read(
    file: pq.ParquetFile,
    name: str,
    image_column: str | None,
    label_column: str | None,
    size: Size | None,
    progress: Progress,
) -> LabelledImages:
    schema = file.schema_arrow
    image = _find_column(schema, name, "image", IMAGE_COLUMNS if image_column is None else (image_column,))
    label = _find_column(schema, name, "label", LABEL_COLUMNS if label_column is None else (label_column,))
    count = file.metadata.num_rows
    if not count:
        raise DataError(f"{name}: contains no images")
    labels, class_names = _read_labels(file.read(columns=[label]).column(label), name)
    files = track_steps(f"reading {name}", _iterate_files(file, image, name), count, progress)
    return LabelledImages(
        pixels=stack(files, count, size),
        labels=labels,
        class_names=class_names or _read_class_names(schema, label, name) or number_classes(labels, name),
        name=name,
    )


def _find_column(schema: pa.Schema, name: str, kind: str, wanted: tuple[str, ...]) -> str:
    found = [column for column in wanted if schema.names.count(column) == 1]
    if found:
        return found[0]
    raise DataError(f"{name}: no {kind} column called {' or '.join(wanted)}; its columns are {', '.join(schema.names)}")


def _iterate_files(file: pq.ParquetFile, column: str, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield the place in words and the image file of each row."""
    row = 0
    for batch in file.iter_batches(batch_size=BATCH, columns=[column]):
        for content in _select_bytes(batch.column(0), name, column).to_pylist():
            if content is None:
                raise DataError(f"{name}, row {row}: column {column} has no image bytes")
            yield f"{name}, row {row}", content
            row += 1


def _select_bytes(images: pa.Array, name: str, column: str) -> pa.Array:
    if pa.types.is_struct(images.type) and images.type.get_field_index("bytes") >= 0:
        images = pc.struct_field(images, "bytes")
    if pa.types.is_binary(images.type) or pa.types.is_large_binary(images.type):
        return images
    raise DataError(f"{name}: column {column} holds {images.type}, expected image files (bytes)")


def _read_labels(column: pa.ChunkedArray, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the labels as integers, and the class names when the column holds names."""
    if column.null_count:
        raise DataError(f"{name}: {column.null_count} of {len(column)} images have no label")
    if pa.types.is_integer(column.type):
        if pa.types.is_uint64(column.type):
            column = column.cast(pa.int64())  # refuses labels that do not fit
        return column.to_numpy().astype(np.int64), ()
    texts = column.to_pylist()
    if not all(isinstance(text, str) for text in texts):
        raise DataError(f"{name}: labels are {column.type}, expected integers or texts")
    class_names = tuple(order_class_names(set(texts)))
    index = {text: label for label, text in enumerate(class_names)}
    return np.array([index[text] for text in texts], dtype=np.int64), class_names


def _read_class_names(schema: pa.Schema, label: str, name: str) -> tuple[str, ...]:
    """Return the class names in the schema's metadata; empty when it has none."""
    metadata = schema.metadata or {}
    try:
        if b"class_names" in metadata:
            names: Any = json.loads(metadata[b"class_names"])
        else:
            features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
            names = features.get(label, {}).get("names", [])
    except (ValueError, AttributeError, RecursionError) as problem:
        raise DataError(f"{name}: the class names in its metadata are not readable ({problem})") from problem
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise DataError(f"{name}: the class names in its metadata are not a list of texts")
    return tuple(names)
