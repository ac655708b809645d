"""Writing pages for people."""

from pathlib import Path

from modelprint.cache import write_atomically


def write_page(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""

    def write(draft: Path) -> None:
        draft.write_text(text, encoding="utf-8")

    write_atomically(path, write)
