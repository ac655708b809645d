"""Readers that need optional libraries, imported when they are first used."""

from types import ModuleType

from modelprint.errors import DataError, advise_extra


def import_parquet() -> ModuleType:
    """Return the module `modelprint.data.parquet`; DataError says how to install what it needs."""
    try:
        from modelprint.data import parquet as reader
    except ImportError as problem:
        raise DataError(
            f"parquet files are read with pyarrow, which is not installed; {advise_extra('generate')}"
        ) from problem
    return reader
