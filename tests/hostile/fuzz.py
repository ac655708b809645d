"""Read mutated inputs with every reader of untrusted files and replies, and print figures: `make fuzz`.

    python -m tests.hostile.fuzz --count 1000000 --seed 1 --folder build/fuzz

Two worker processes share the blocks of inputs. Ctrl-C keeps the finished blocks, and the same command continues. An
input that ends in an error of another type than the reader's own, or takes too much time or memory, is written to a
file and named; the exit code is then 1.
"""

import argparse
import json
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

from modelprint.engine import Executor, Job, Processes
from tests.hostile.blocks import Block, Figures, load_valid, make_input, marker_of, run_block
from tests.hostile.readers import READERS

BLOCK = 500
"""Inputs of a block, at most."""

DIED = "worker died"
"""In the problem of a job whose process ended; any other problem is a fault of the fuzz itself."""


def plan_blocks(count: int, seed: int, only: str = "") -> list[Block]:
    """Share `count` inputs among the readers and return the blocks, those of all readers in turn."""
    readers = {name: reader.share for name, reader in READERS.items() if only in name}
    total, blocks = sum(readers.values()), []
    done = given = 0
    for name, share in readers.items():
        done += share
        inputs = count * done // total - given
        given += inputs
        starts = range(0, inputs, BLOCK)
        blocks += [Block(reader=name, seed=seed, start=start, stop=min(start + BLOCK, inputs)) for start in starts]
    return sorted(blocks, key=lambda block: block.start)


def fuzz(blocks: list[Block], folder: Path, workers: int) -> dict[str, Figures]:
    """Read all blocks that the log in `folder` does not have yet, or with a broken limit; return figures by reader."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "blocks.jsonl"
    figures: dict[str, Figures] = {}
    planned = {block.key: block for block in blocks}
    done = {key: found for key, found in _read_log(log) if key in planned}
    done = {key: found for key, found in done.items() if not found.broken}
    left = [block for key, block in planned.items() if key not in done]
    if not left:
        print(f"all of them were read before; to read them again, remove {folder}", file=sys.stderr)
    for name in dict.fromkeys(block.reader for block in left):
        load_valid(name, folder)
    for key, found in done.items():
        figures.setdefault(planned[key].reader, Figures()).add(found)
    with log.open("a", encoding="utf-8") as file, closing(Processes(workers=workers)) as executor:
        for block, found in _run(left, folder, executor):
            figures.setdefault(block.reader, Figures()).add(found)
            file.write(json.dumps({"key": block.key, **asdict(found)}) + "\n")
            file.flush()
            _write_broken(block, found, folder)
            _show_progress(sum(one.inputs for one in figures.values()), blocks)
    return {name: figures[name] for name in READERS if name in figures}


def _run(blocks: list[Block], folder: Path, executor: Executor) -> Iterator[tuple[Block, Figures]]:
    """Yield what is found about each block. The input that kills a worker is untyped, and the rest is read without it.

    The whole block is yielded at once, so that the log has either all of it or nothing.
    """
    found = {block.key: (block, Figures()) for block in blocks}
    open_parts = Counter(found.keys())
    jobs = [_make_job(block, block, folder) for block in blocks]
    while jobs:
        retried = []
        for result in executor.run(jobs):
            part = _parse_part(result.key)
            whole, figures = found[result.key.partition("|")[0]]
            open_parts[whole.key] -= 1
            if result.value is not None:
                figures.add(result.value)
            elif DIED not in result.problem:
                raise RuntimeError(f"{result.key}: {result.problem}")
            else:
                index = _read_marker(part, folder)
                figures.add(Figures(inputs=1, untyped=1, broken={str(index): result.problem}))
                rest = [replace(part, stop=index), replace(part, start=index + 1)]
                parts = [_make_job(one, whole, folder) for one in rest if one.start < one.stop]
                open_parts[whole.key] += len(parts)
                retried += parts
            if not open_parts[whole.key]:
                yield whole, figures
        jobs = retried


def _make_job(part: Block, whole: Block, folder: Path) -> Job[Figures]:
    key = f"{whole.key}|{part.seed}|{part.start}|{part.stop}"
    return Job(key=key, label=part.reader, function=run_block, arguments=(part, str(folder)))


def _parse_part(key: str) -> Block:
    whole, seed, start, stop = key.split("|")
    return Block(reader=whole.rpartition(":")[0], seed=int(seed), start=int(start), stop=int(stop))


def _read_marker(block: Block, folder: Path) -> int:
    (index,) = struct.unpack("<q", marker_of(block, folder).read_bytes())
    return int(index)


def _read_log(log: Path) -> Iterator[tuple[str, Figures]]:
    for line in log.read_text("utf-8").splitlines() if log.exists() else ():
        try:
            entry = json.loads(line)
        except ValueError:  # cut off when the run was killed
            continue
        yield entry.pop("key"), Figures(**entry)


def _write_broken(block: Block, found: Figures, folder: Path) -> None:
    valid = load_valid(block.reader, folder)
    for index, wrong in found.broken.items():
        content = make_input(block.reader, block.seed, int(index), valid)
        place = folder / "broken" / f"{block.seed}-{index}-{READERS[block.reader].name}"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        print(f"\n{block.reader}: {place}: {wrong}", file=sys.stderr, flush=True)


def _show_progress(done: int, blocks: list[Block]) -> None:
    total = sum(block.stop - block.start for block in blocks)
    print(f"\r{done} of {total} inputs", end="", file=sys.stderr, flush=True)


def write_table(figures: dict[str, Figures]) -> str:
    """Return the figures as a table of Markdown."""
    total = Figures()
    for found in figures.values():
        total.add(found)
    lines = [
        "| reader | inputs | accepted | untyped errors | slowest, s | most memory, MB |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in {**figures, "all": total}.items():
        numbers = (found.inputs, found.accepted, found.untyped, f"{found.slowest:.3f}", f"{found.growth:.1f}")
        lines.append(f"| {name} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines)


def main() -> None:
    """Do as said above."""
    parser = argparse.ArgumentParser(prog="fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="inputs over all readers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"), help="where the log and bad inputs are kept")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="readers whose names have this text")
    given = parser.parse_args()
    folder = given.folder / f"{given.seed}-{given.count}"
    try:
        figures = fuzz(plan_blocks(given.count, given.seed, given.only), folder, given.workers)
    except KeyboardInterrupt:
        sys.exit("\nstopped; the same command continues")
    print(file=sys.stderr)
    print(write_table(figures))
    sys.exit(1 if any(found.broken for found in figures.values()) else 0)


if __name__ == "__main__":
    main()
