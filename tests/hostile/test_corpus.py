"""Every reader of what may come from anyone refuses hostile inputs by its own error, in one line, in little memory."""

import os
import re
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

from modelprint.cli.console import to_one_line
from modelprint.errors import LoadingError
from modelprint.loading import load_classifier
from tests.hostile import blocks
from tests.hostile.corpus import ACCEPTED, CORPUS
from tests.hostile.readers import READERS
from tests.hostile.reading import Unusable

CASES = [(reader, name) for reader, inputs in CORPUS.items() for name in inputs]
CONTENTS = (
    "sample, PNG",
    "image, PNG",
    "image, JPEG",
    "image, WebP BMP PPM",
    "path into a reply",
    "reply of an endpoint",
)
"""What is read by those who have opened it already."""
FILES = [name for name in READERS if name not in CONTENTS]
GROWTH_KB = 32 * 1024
"""Less than a bomb of the corpus unfolds to."""


def test_the_corpus_has_every_reader() -> None:
    """A new reader needs hostile inputs, and a part of the fuzz."""
    assert set(CORPUS) == set(READERS)
    assert sum(reader.share for reader in READERS.values()) == pytest.approx(1000, abs=100)


@pytest.mark.parametrize("reader", READERS)
def test_the_valid_inputs_are_accepted(reader: str, tmp_path: Path) -> None:
    """Mutations start from files that pass every check; a reply, from one that some wire format understands."""
    chosen = READERS[reader]
    inputs = chosen.valid(tmp_path)

    assert inputs
    for number, content in enumerate(inputs):
        (tmp_path / str(number)).mkdir()
        with suppress(Unusable):
            chosen.read(chosen.place(chosen, content, tmp_path / str(number)))


@cache
def import_all(reader: str) -> None:
    """Let a reader import what it needs, so that a test does not measure that."""
    with tempfile.TemporaryDirectory() as folder, suppress(Unusable):
        content = READERS[reader].valid(Path(folder))[0]
        READERS[reader].read(READERS[reader].place(READERS[reader], content, Path(folder)))


@pytest.mark.parametrize(("reader", "name"), CASES)
def test_it_is_refused(reader: str, name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """By the reader's own error, in one printable line that no file makes long; memory does not follow promises."""
    chosen = READERS[reader]
    import_all(reader)
    path = chosen.place(chosen, CORPUS[reader][name](), tmp_path)
    before = blocks.start_measuring()

    with pytest.raises(chosen.errors) as caught:
        chosen.read(path)

    assert blocks.peak_kb() - before < GROWTH_KB
    assert capfd.readouterr() == ("", "")
    line = to_one_line(str(caught.value))
    assert line and line.isprintable() and len(line) <= blocks.LONGEST_MESSAGE + 1000


@pytest.mark.parametrize(("reader", "name"), [(reader, name) for reader, inputs in ACCEPTED.items() for name in inputs])
def test_what_is_hostile_in_it_is_not_used(reader: str, name: str, tmp_path: Path) -> None:
    """Code that would end this process, or more than memory should hold, stands where nothing reads it."""
    chosen = READERS[reader]
    import_all(reader)
    path = chosen.place(chosen, ACCEPTED[reader][name](), tmp_path)
    before = blocks.start_measuring()

    chosen.read(path)

    assert blocks.peak_kb() - before < GROWTH_KB


@pytest.mark.parametrize("kind", ["a FIFO", "a device", "a folder"])
@pytest.mark.parametrize("reader", FILES)
def test_no_reader_waits_for_what_is_no_file(reader: str, kind: str, tmp_path: Path) -> None:
    """A FIFO has no writer, and a device no end."""
    chosen = READERS[reader]
    path = chosen.place(chosen, next(iter(chosen.valid(tmp_path))), tmp_path)
    place = path if path.is_file() else next(one for one in path.rglob("*") if one.name in (chosen.name, "record.json"))
    place.unlink()
    if kind == "a FIFO":
        os.mkfifo(place)
    elif kind == "a device":
        place.symlink_to("/dev/zero")
    else:
        place.mkdir()

    with pytest.raises(chosen.errors):
        chosen.read(path)


@pytest.mark.parametrize(
    "name", ["plan.toml", "remarks.toml", "timings.jsonl", "observations.jsonl", "ownership.jsonl"]
)
def test_no_file_of_a_run_is_waited_for(name: str, tmp_path: Path) -> None:
    """What cannot be read is missing from the report, or an error; a FIFO among the files is not opened."""
    chosen = READERS["folder of a run"]
    path = chosen.place(chosen, next(iter(chosen.valid(tmp_path))), tmp_path)
    (path / name).unlink()
    os.mkfifo(path / name)

    chosen.read(path)


FACTORIES = {
    "exit 0": "import sys\nsys.exit(0)",
    "exit inside": "import sys\ndef factory():\n    sys.exit(0)",
    "generator exit": "def factory():\n    raise GeneratorExit",
    "recursion": "def factory():\n    return factory()",
    "a group of errors": "def factory():\n    raise BaseExceptionGroup('a', [SystemExit(0)])",
    "arguments": "import argparse\np = argparse.ArgumentParser()\np.add_argument('data')\np.parse_args()",
    "no network": "def factory():\n    return 3",
    "no factory": "",
    "no Python": "def",
    "exit when asked": (
        "import torch\nclass N(torch.nn.Module):\n"
        "    def forward(self, x):\n        raise SystemExit(0)\n"
        "def factory():\n    return N()"
    ),
    "a long error": "def factory():\n    raise ValueError('x' * 10**6 + chr(27))",
}


@pytest.mark.parametrize("name", FACTORIES)
def test_a_factory_cannot_end_the_program(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It is code, but what it does when it fails is one error, and nothing else is printed."""
    module = "hostile_" + re.sub(r"\W", "_", name)
    (tmp_path / f"{module}.py").write_text(FACTORIES[name])

    with pytest.raises(LoadingError) as caught:
        load_classifier(f"{module}:factory", image_shape=(1, 8, 8), search_path=tmp_path)

    assert module in str(caught.value)
    assert to_one_line(str(caught.value)).isprintable()
    assert capfd.readouterr().err == ""
