"""Readers of optional libraries are imported when they are first used."""

import sys

import pytest

from modelprint.data.optional import import_parquet
from modelprint.errors import DataError


def test_the_parquet_reader_is_our_module() -> None:
    """With the functions that layouts use."""
    reader = import_parquet()

    assert reader.__name__ == "modelprint.data.parquet"
    assert callable(reader.read_parquet) and callable(reader.count_parquet)


def test_without_pyarrow_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is part of an extra."""
    import modelprint.data

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "modelprint.data.parquet", raising=False)
    monkeypatch.delattr(modelprint.data, "parquet", raising=False)

    with pytest.raises(DataError, match="install the extra generate as modelprint was installed"):
        import_parquet()
