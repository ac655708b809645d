"""The archive of an exported program: what is none is refused in one line, and named where it can be guessed."""

import zipfile
from pathlib import Path

import pytest

from modelprint.errors import LoadingError
from modelprint.networks.exported_archive import read_archive


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"schema_version": 8}', "[" * 100_000, '{"schema_version": {"major": 7}}']
)
def test_a_damaged_graph_is_one_line(content: str, tmp_path: Path) -> None:
    """Whatever the JSON is."""
    path = tmp_path / "damaged.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("damaged/models/model.json", content)

    with pytest.raises(LoadingError, match=r"damaged\.pt2"):
        read_archive(path)


@pytest.mark.parametrize(
    ("member", "hint"),
    [
        ("x/serialized_exported_program.json", "before 2.8"),
        ("x/code/__torch__.py", "TorchScript"),
        ("x/data.pkl", "a pickle of torch.save"),
    ],
)
def test_other_archives_get_a_hint(member: str, hint: str, tmp_path: Path) -> None:
    """Older programs, TorchScript and torch.save are all archives too."""
    path = tmp_path / "other.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "")

    with pytest.raises(LoadingError, match=hint):
        read_archive(path)
