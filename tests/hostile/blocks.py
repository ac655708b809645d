"""A block of inputs of one reader: made, read, measured. Seed, reader and number determine an input."""

import mmap
import os
import random
import resource
import signal
import struct
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from modelprint.cli.console import to_one_line
from tests.hostile.readers import READERS, Reader

SECONDS = 1.0
"""Processor seconds that one input may take."""
GROWTH_MB = 300.0
"""How much more memory a reader may hold at any time than before it read one input."""
KILLED_S = 20
"""Processor seconds after which the process is killed with SIGPROF, also inside the code of a library."""
ADDRESS_SPACE = 12 * 2**30
"""Bytes on top of what is mapped at the start: a reader that wants more gets a MemoryError."""
LONGEST_MESSAGE = 3000
SLACK_KB = 16 * 1024
"""The peak of memory is reset when it is further from the present use than this, so growth is exact to this."""
PAGE_KB = resource.getpagesize() // 1024


@dataclass(kw_only=True)
class Figures:
    """What was found about a reader.

    Attributes:
        inputs: How many it read.
        accepted: How many of them it did not refuse.
        untyped: How many ended in an error of another type than the reader's own.
        slowest: Processor seconds of the slowest input.
        slowest_index: Its number.
        growth: Largest growth of memory, in MB, for one input.
        growth_index: Its number.
        broken: Number of each input that broke a limit, and what it did.
    """

    inputs: int = 0
    accepted: int = 0
    untyped: int = 0
    slowest: float = 0.0
    slowest_index: int = -1
    growth: float = 0.0
    growth_index: int = -1
    broken: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Figures") -> None:
        """Take in those of further inputs."""
        self.inputs += other.inputs
        self.accepted += other.accepted
        self.untyped += other.untyped
        if other.slowest >= self.slowest:
            self.slowest, self.slowest_index = other.slowest, other.slowest_index
        if other.growth >= self.growth:
            self.growth, self.growth_index = other.growth, other.growth_index
        self.broken |= other.broken


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some inputs of one reader.

    Attributes:
        reader: A name in READERS.
        seed: Of the whole run.
        start: Number of the first input.
        stop: Number after the last one.
    """

    reader: str
    seed: int
    start: int
    stop: int

    @property
    def key(self) -> str:
        """What a log calls it."""
        return f"{self.reader}:{self.start}-{self.stop}"


def make_input(reader: str, seed: int, index: int, valid: list[bytes]) -> bytes:
    """Return input number `index`; every fiftieth or so is a valid one."""
    rng = random.Random(f"{seed}/{reader}/{index}")
    content = rng.choice(valid)
    return content if rng.random() < 0.02 else READERS[reader].change(rng, content)


def load_valid(reader: str, folder: Path) -> list[bytes]:
    """Return the valid inputs of a reader, made once for the run in `folder`, since making some takes seconds."""
    place = folder / "valid" / f"{list(READERS).index(reader):02d}"
    if not place.is_dir():
        with tempfile.TemporaryDirectory() as work:
            made = READERS[reader].valid(Path(work))
        draft = Path(tempfile.mkdtemp(dir=folder))
        for number, content in enumerate(made):
            (draft / f"{number:02d}").write_bytes(content)
        place.parent.mkdir(exist_ok=True)
        draft.rename(place)
    return [path.read_bytes() for path in sorted(place.iterdir())]


def run_block(block: Block, folder: str) -> Figures:
    """Read all inputs of a block; the number of the one that is being read stands in the file `marker`."""
    reader, valid = READERS[block.reader], load_valid(block.reader, Path(folder))
    found = Figures()
    with marker_of(block, Path(folder)).open("w+b") as file, tempfile.TemporaryDirectory(dir=_memory_folder()) as work:
        file.write(struct.pack("<q", block.start))
        file.flush()
        _warm_up(reader, valid[0], Path(work))
        with mmap.mmap(file.fileno(), 8) as marker:
            for index in range(block.start, block.stop):
                struct.pack_into("<q", marker, 0, index)
                content = make_input(block.reader, block.seed, index, valid)
                path = reader.place(reader, content, Path(work))
                found.add(measure(reader, path, index))
    marker_of(block, Path(folder)).unlink()
    return found


def _memory_folder() -> str | None:
    """Return a folder in memory, where files cost least; None where there is none."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _warm_up(reader: Reader, content: bytes, work: Path) -> None:
    """Read a valid input, for what is imported and made once; then limit what the process may map."""
    with suppress(*reader.errors):  # a reply that only another wire format understands
        reader.read(reader.place(reader, content, work))
    _limit_address_space()


def marker_of(block: Block, folder: Path) -> Path:
    """Return the file that says which input of a block is being read."""
    return folder / f"at-{list(READERS).index(block.reader):02d}-{block.start}"


def measure(reader: Reader, path: Path, index: int) -> Figures:
    """Read one input; an error of another type, too much time and too much memory break a limit."""
    resident, wrong, accepted, untyped = _resident_kb(), "", False, False
    signal.setitimer(signal.ITIMER_PROF, KILLED_S)
    started = time.process_time()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            reader.read(path)
            accepted = True
        except reader.errors as problem:
            line = to_one_line(str(problem))
            if not line or len(line) > LONGEST_MESSAGE:
                wrong = f"a message of {len(line)} characters"
        except Exception as problem:
            untyped, wrong = True, to_one_line(f"{type(problem).__name__}: {problem}"[:300])
    seconds = time.process_time() - started
    signal.setitimer(signal.ITIMER_PROF, 0)
    peak = peak_kb()
    growth = max(0, peak - resident) / 1024
    _reset_peak(peak)
    found = Figures(inputs=1, accepted=accepted, untyped=untyped)
    found.slowest, found.slowest_index, found.growth, found.growth_index = seconds, index, growth, index
    if warned:
        wrong += to_one_line(f" a warning: {warned[0].message}"[:300])
    if seconds > SECONDS:
        wrong += f" {seconds:.1f} s"
    if growth > GROWTH_MB:
        wrong += f" {growth:.0f} MB"
    if wrong:
        found.broken[str(index)] = wrong.strip()
    return found


def _resident_kb() -> int:
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - twice for each input
        return int(file.read().split()[1]) * PAGE_KB


def start_measuring() -> int:
    """Return the KB that this process uses, from which `peak_kb` begins again."""
    Path("/proc/self/clear_refs").write_text("5")
    return _resident_kb()


def peak_kb() -> int:
    """Return the most KB that this process used since its peak was reset."""
    # Not that of getrusage, which begins with the peak of the process that started this one.
    with open("/proc/self/status", "rb") as file:  # noqa: PTH123
        return int(file.read().partition(b"VmHWM:")[2].split(None, 1)[0])


def _reset_peak(peak_kb: int) -> None:
    if peak_kb - _resident_kb() > SLACK_KB:
        Path("/proc/self/clear_refs").write_text("5")


def _limit_address_space() -> None:
    limit, most = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * PAGE_KB * 1024
        resource.setrlimit(resource.RLIMIT_AS, (mapped + ADDRESS_SPACE, most))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
