"""Readers whose libraries are not part of the small installation, imported when they are first needed."""

from types import ModuleType

from modelprint.errors import DataError


def parquet() -> ModuleType:
    """Return our parquet reader; DataError says how to install what it needs."""
    try:
        from modelprint.data import parquet as reader
    except ImportError as problem:
        raise DataError(
            "parquet files are read with pyarrow, which is not installed: pip install 'modelprint[generate]'"
        ) from problem
    return reader
