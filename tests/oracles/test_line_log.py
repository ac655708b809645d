"""A log of lines grows line by line, and nothing that is not one is touched."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter

from modelprint.errors import OracleError
from modelprint.oracles import line_log
from modelprint.oracles.line_log import LineLog, drop_damaged_line


def make(path: Path, *, synced: bool = True) -> LineLog:
    """Return a log at `path`."""
    return LineLog(path=path, noun="diary", error=OracleError, synced=synced)


@pytest.mark.parametrize(("content", "lines"), [(b"", b""), (b"a", b""), (b"a\n", b"a\n"), (b"a\nb", b"a\n")])
def test_a_line_without_an_end_is_damaged(content: bytes, lines: bytes) -> None:
    """Everything up to the last line end is kept."""
    assert drop_damaged_line(content) == lines


@pytest.mark.parametrize("synced", [True, False])
def test_lines_are_appended_to_a_header(tmp_path: Path, synced: bool) -> None:
    """The header is written once; later starts return what is there."""
    log = make(tmp_path / "log", synced=synced)

    assert log.start({"kind": "diary"}) == b""
    log.append({"day": 1})
    lines = b'{"kind": "diary"}\n{"day": 1}\n'
    assert log.start({"kind": "diary"}) == log.read() == lines


def test_a_damaged_line_stays_until_it_is_cut(tmp_path: Path) -> None:
    """So a caller can check whose log this is; cutting to a larger size changes nothing."""
    log = make(tmp_path / "log")
    log.path.write_bytes(b'{"kind": "diary"}\n{"da')

    lines = log.start({"kind": "diary"})

    assert log.path.read_bytes() == b'{"kind": "diary"}\n{"da'
    log.cut(len(lines))
    log.cut(1000)
    assert log.path.read_bytes() == lines == b'{"kind": "diary"}\n'


def test_a_file_that_begins_otherwise_is_left_alone(tmp_path: Path) -> None:
    """One that begins as the header does is a log that was cut off in its first line."""
    log = make(tmp_path / "log")
    log.path.write_bytes(b'{"kind": "no')
    with pytest.raises(OracleError, match="not a diary; it is left as it is"):
        log.start({"kind": "diary"})
    assert log.path.read_bytes() == b'{"kind": "no'

    log.path.write_bytes(b'{"kind": "di')
    log.start({"kind": "diary"})
    assert log.path.read_bytes() == b'{"kind": "diary"}\n'


def test_trouble_with_the_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For reading, writing, cutting and too large a file."""
    folder = make(tmp_path)
    with pytest.raises(OracleError, match="cannot be read"):
        folder.read()
    with pytest.raises(OracleError, match="cannot be written"):
        folder.append({})
    with pytest.raises(OracleError, match="cannot be written"):
        folder.cut(0)
    monkeypatch.setattr(line_log, "LOG_BYTES", 3)
    (tmp_path / "large").write_bytes(b"four")
    with pytest.raises(OracleError, match="larger than 3 bytes, the most a diary may have"):
        make(tmp_path / "large").read()


def test_a_line_that_is_not_what_it_should_be_is_named(tmp_path: Path) -> None:
    """By its number and its entry."""
    with pytest.raises(OracleError, match=r"line 7: day: .*integer"):
        make(tmp_path / "log").parse(TypeAdapter(dict[str, int]).validate_json, 7, b'{"day": "one"}')
    with pytest.raises(OracleError, match="line 8: damaged: Invalid JSON"):
        make(tmp_path / "log").parse(TypeAdapter(dict[str, int]).validate_json, 8, b"{")


def test_a_log_has_one_writer(tmp_path: Path) -> None:
    """A second one is refused with the first one's process, also through a link; then the way is free again."""
    log, linked = make(tmp_path / "log"), make(tmp_path / "link")
    linked.path.symlink_to(log.path)

    with log.hold():
        for other in (log, linked):
            said = rf"process {os.getpid()} on .* is writing to this diary; wait"
            with pytest.raises(OracleError, match=said), other.hold():
                pass
    with log.hold():
        pass

    assert not (tmp_path / ".log.lock").exists()


def test_a_holder_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    """Its lock file stays, and is no obstacle."""
    code = f"""
import os, signal
from pathlib import Path
from modelprint.errors import OracleError
from modelprint.oracles.line_log import LineLog
with LineLog(path=Path({str(tmp_path / "log")!r}), noun="diary", error=OracleError).hold():
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)

    assert (killed.returncode, (tmp_path / ".log.lock").exists()) == (-signal.SIGKILL, True)
    with make(tmp_path / "log").hold():
        pass


def test_a_line_that_cannot_be_written_leaves_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: what was there can still be read and continued."""
    log = make(tmp_path / "log")
    log.start({"kind": "diary"})
    before = log.path.read_bytes()

    def fail(number: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(line_log.os, "fsync", fail)
        with pytest.raises(OracleError, match="log: cannot be written: No space left on device"):
            log.append({"day": 1})

    assert log.path.read_bytes() == before


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """It is no log, and reading it might never end."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OracleError, match="pipe: cannot be read: it is not a regular file"):
        make(tmp_path / "pipe").start({"kind": "diary"})


def test_a_value_of_another_log_is_repeated_in_part(tmp_path: Path) -> None:
    """A message stays one line of a terminal, whatever is in the file."""

    class Head(BaseModel):
        owner: str

    with pytest.raises(OracleError, match=r"its owner is x{200}, not y; go away$"):
        make(tmp_path / "log").refuse_another(Head(owner="x" * 10_000), Head(owner="y"), "another", "go away")
