"""Parquet files in the image layout of the Hugging Face hub: one column of image files, one of labels.

An image is a struct with the file's `bytes` (and a `path` we do not open) or the bytes themselves. The names of the
classes are in the schema's metadata: key `class_names` (a JSON list), or key `huggingface` (the hub's feature
description, with the names under the label column). Labels are integers, or texts that are the names themselves.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelprint.data.decoded import remembered
from modelprint.data.images import Size, stack
from modelprint.data.labelled_images import LabelledImages
from modelprint.errors import DataError
from modelprint.progress import Progress, silent, steps

IMAGE_COLUMNS = ("image", "img", "Path")
"""Usual names of the image column, in the order they are looked for; `Path` is that of the traffic signs on the hub."""

LABEL_COLUMNS = ("label", "labels", "fine_label", "ClassId")
"""Usual names of the label column, likewise."""

BATCH = 512


def read_parquet(
    path: Path,
    *,
    name: str = "",
    image_column: str | None = None,
    label_column: str | None = None,
    size: Size | None = None,
    progress: Progress = silent,
) -> LabelledImages:
    """Read one parquet file; the decoded pixels are kept in the cache, by the content of the file.

    Args:
        path: The file.
        name: What to call the images in messages; the file's name when empty.
        image_column: Column with the image files; None takes the first of `IMAGE_COLUMNS`.
        label_column: Column with the labels; None takes the first of `LABEL_COLUMNS`.
        size: Resize every image to this height and width; None demands that all have one size.
        progress: Told after each decoded image.

    Raises:
        DataError: The file is no such parquet file; says which row or column is at fault.
    """
    name = name or path.name

    def read() -> LabelledImages:
        try:
            with pq.ParquetFile(path) as file:
                return _read(file, name, image_column, label_column, size, progress)
        except (pa.ArrowException, OSError) as problem:
            raise DataError(f"{path}: not a readable parquet file ({_first_line(problem)})") from problem

    if not path.is_file():
        raise DataError(f"{path}: no such file")
    images = remembered(path, repr((image_column, label_column, size)), read)
    return replace(images, name=name)


def count_parquet(path: Path) -> int:
    """Return how many images a parquet file holds, without decoding any."""
    try:
        with pq.ParquetFile(path) as file:
            return int(file.metadata.num_rows)
    except (pa.ArrowException, OSError) as problem:
        raise DataError(f"{path}: not a readable parquet file ({_first_line(problem)})") from problem


def _read(
    file: pq.ParquetFile,
    name: str,
    image_column: str | None,
    label_column: str | None,
    size: Size | None,
    progress: Progress,
) -> LabelledImages:
    schema = file.schema_arrow
    image = _column(schema, name, "image", IMAGE_COLUMNS if image_column is None else (image_column,))
    label = _column(schema, name, "label", LABEL_COLUMNS if label_column is None else (label_column,))
    count = file.metadata.num_rows
    if not count:
        raise DataError(f"{name}: there are no images in it")
    labels, class_names = _labels(file.read(columns=[label]).column(label), name)
    files = steps(f"reading {name}", _files(file, image, name), count, progress)
    return LabelledImages(
        pixels=stack(files, count, size),
        labels=labels,
        class_names=class_names or _named_in(schema, label, name) or _numbered(labels),
        name=name,
    )


def _column(schema: pa.Schema, name: str, kind: str, wanted: tuple[str, ...]) -> str:
    found = [column for column in wanted if schema.names.count(column) == 1]
    if found:
        return found[0]
    raise DataError(f"{name}: no {kind} column called {' or '.join(wanted)}; its columns are {', '.join(schema.names)}")


def _files(file: pq.ParquetFile, column: str, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield each row's image file with the words that say where it is."""
    row = 0
    for batch in file.iter_batches(batch_size=BATCH, columns=[column]):
        for content in _contents(batch.column(0), name, column).to_pylist():
            if content is None:
                raise DataError(f"{name}, row {row}: column {column} has no image bytes")
            yield f"{name}, row {row}", content
            row += 1


def _contents(images: pa.Array, name: str, column: str) -> pa.Array:
    if pa.types.is_struct(images.type) and images.type.get_field_index("bytes") >= 0:
        images = pc.struct_field(images, "bytes")
    if pa.types.is_binary(images.type) or pa.types.is_large_binary(images.type):
        return images
    raise DataError(f"{name}: column {column} holds {images.type}, expected image files (bytes)")


def _labels(column: pa.ChunkedArray, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the labels as integers, and the class names when the column holds names."""
    if column.null_count:
        raise DataError(f"{name}: {column.null_count} of {len(column)} images have no label")
    if pa.types.is_integer(column.type):
        return column.to_numpy().astype(np.int64), ()
    texts = column.to_pylist()
    if not all(isinstance(text, str) for text in texts):
        raise DataError(f"{name}: labels are {column.type}, expected integers or texts")
    class_names = tuple(sorted(set(texts)))
    index = {text: label for label, text in enumerate(class_names)}
    return np.array([index[text] for text in texts], dtype=np.int64), class_names


def _named_in(schema: pa.Schema, label: str, name: str) -> tuple[str, ...]:
    """Return the class names in the schema's metadata; none when it has none."""
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


def _numbered(labels: np.ndarray) -> tuple[str, ...]:
    return tuple(map(str, range(int(labels.max()) + 1)))


def _first_line(problem: Exception) -> str:
    return str(problem).splitlines()[0] if str(problem) else type(problem).__name__
