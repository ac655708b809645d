"""From labels to a sealed fingerprint: what `generation` does with a classifier in our hands, done through an endpoint.

    oracle, method = open_oracle(load_endpoint(Path("endpoint.yaml")), data.class_names), PublicCheck()
    fingerprint, report = seal_from_labels(oracle, data, method, method_name="public-check", settings={}, count=20)

There are no logits to measure margins in. Instead every sample is asked about several times at the end, and kept when
all answers are alike. Only the profile "exact" can be claimed for it: served in another honest way, the same model may
answer otherwise. Nor is there a model to take a digest of, and the file says so.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from modelprint.cache import write_text_atomically
from modelprint.crafting.ordering import in_turn
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.errors import CraftingError, OracleError
from modelprint.fingerprint.container import SAMPLE_LIMIT
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import UNKNOWN_MODEL, Preprocessing, ProfileRecord, Provenance, Sample
from modelprint.fingerprint.provenance import provenance_of
from modelprint.generation.rounds import FLIP_RATE, ROUNDS, unseen, wanted_again
from modelprint.methods import METHODS, LabelsOnly, Method
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.pixels import Picture, Pixels
from modelprint.progress import Progress, track_steps
from modelprint.tensors import Labels, to_pixels
from modelprint.work import Work

PATIENCE = 3
"""Questions about one picture before we take it that there is no answer."""

ANSWERS = "answers.txt"
"""File of an interrupted call's answers."""


@dataclass(frozen=True, kw_only=True)
class SealingReport:
    """What became of the samples, and what they cost.

    Attributes:
        crafted: How many the method was asked for in all rounds; the sum of the five counts that follow.
        given_up: The method had no sample for the source.
        duplicates: The same pixels as an earlier sample.
        lost_steadiness: Asked again, the oracle gave another label, or a tie.
        spare: Steady, but not needed.
        kept: Sealed.
        rounds: How often the method was run.
        questions: How many pictures the oracle was asked about.
        recalled: How many questions an interrupted call had had answered before.
    """

    crafted: int
    given_up: int
    duplicates: int
    lost_steadiness: int
    spare: int
    kept: int
    rounds: int
    questions: int
    recalled: int

    def summary(self) -> str:
        """Say in one line each how many were crafted, lost and kept."""
        lines = {
            "crafted": f"{self.crafted} in {self.rounds} round(s)",
            "given up": f"{self.given_up} by the method",
            "repeated": f"{self.duplicates} with the pixels of another",
            "steadiness": f"{self.lost_steadiness} lost, asked again they got another label",
            "spare": f"{self.spare} steady, but not needed",
            "kept": str(self.kept),
            "questions": f"{self.questions} asked, {self.recalled} answered before",
        }
        return "\n".join(f"{name:<12} {text}" for name, text in lines.items())


class Questions:
    """Asks an oracle for labels, one picture at a time, and never twice for the same picture.

    Attributes:
        asked: How many questions were asked.
        recalled: How many were answered from the record of an interrupted call.
    """

    def __init__(self, oracle: Oracle, class_count: int, limit: int | None, record: Path | None) -> None:
        self.asked = 0
        self.recalled = 0
        self._oracle = oracle
        self._class_count = class_count
        self._limit = limit
        self._record = record
        self._known = {} if record is None else _recall(record, oracle)
        self._before = set(self._known)

    def __call__(self, pixels: Pixels) -> Labels:
        """Return the label of each image.

        Raises:
            OracleError: There is none, or no more questions may be asked.
        """
        return torch.tensor([self._label(Picture.of(one)) for one in pixels], dtype=torch.int64)

    def again(self, picture: Picture) -> int | None:
        """Ask about `picture` whether or not it is known; None when the answer is a tie."""
        answer = self._ask(picture)
        return None if answer.tie else answer.label

    def _label(self, picture: Picture) -> int:
        key = picture.sha256
        if key not in self._known:
            label = self._ask(picture).label
            assert label is not None
            self._known[key] = label
            if self._record is not None:
                with self._record.open("a", encoding="utf-8") as file:
                    file.write(f"{key} {label}\n")
        elif key in self._before:
            self._before.remove(key)
            self.recalled += 1
        return self._known[key]

    def _ask(self, picture: Picture) -> Answer:
        """Return an answer that has a label, be it one of a tie."""
        problem = ""
        for _ in range(PATIENCE):
            if self.asked == self._limit:
                raise OracleError(f"all {self._limit} questions that were allowed are asked{self._left_off()}")
            self.asked += 1
            answer = self._oracle.ask(picture)
            if answer.label is not None and 0 <= answer.label < self._class_count:
                return answer
            problem = answer.problem or f"class {answer.label} of {self._class_count}"
        raise OracleError(f"no label in {PATIENCE} questions about one picture: {problem}{self._left_off()}")

    def _left_off(self) -> str:
        return "" if self._record is None else f"; answers so far are in {self._record}, and count when you try again"


def _recall(record: Path, oracle: Oracle) -> dict[str, int]:
    """Return the answers in `record`, which is begun anew when it is there for another oracle, or not at all."""
    head = json.dumps(oracle.describe(), sort_keys=True)
    lines = record.read_text(encoding="utf-8").splitlines() if record.is_file() else []
    entries = [line.split(" ") for line in lines[1:]] if lines[:1] == [head] else []
    # The last line may have been cut off.
    known = {entry[0]: int(entry[1]) for entry in entries if len(entry) == 2 and entry[1].isdecimal()}
    write_text_atomically(record, "\n".join([head, *(f"{key} {label}" for key, label in known.items()), ""]))
    return known


def seal_from_labels(
    oracle: Oracle,
    data: DataSet,
    method: LabelsOnly,
    *,
    method_name: str,
    settings: Mapping[str, object],
    count: int,
    seed: int = 0,
    repeats: int = 3,
    questions: int | None = None,
    rounding: str = "nearest",
    expected_flip_rate: float = 0.25,
    allow_fewer: bool = False,
    work: Work = Work(),  # noqa: B008 - frozen, so one for all calls is right
    created: datetime | None = None,
) -> tuple[Fingerprint, SealingReport]:
    """Craft samples with `method` by asking `oracle` for labels, and seal those it labels alike each time.

    1. Seal a blank sample, so that arguments no file can hold are refused before any question.
    2. Pick source images from the training part, classes in turn, none of them twice.
    3. Craft; drop what the method gave up on, and pixels that are known.
    4. Ask about all of them, `repeats` times over; keep those with the same label each time and no tie.
    5. Craft again what is missing, in up to four rounds.
    6. Put the samples in an order that takes the labels in turn, and seal.

    Answers are kept in the folder of `work` as they come, so an interrupted call made again pays for none of them
    twice; the questions of step 4 are asked anew.

    Args:
        oracle: What is asked.
        data: Natural images with the classes of the oracle.
        method: How to craft.
        method_name: What the file calls the method.
        settings: Its settings, for the file: anything that JSON can hold.
        count: How many samples to seal.
        seed: Equal arguments and answers give equal samples.
        repeats: How often each sample is asked about at the end.
        questions: Most questions to ask; None for as many as it takes.
        rounding: "nearest" grey levels; a search for better ones takes gradients, and is refused.
        expected_flip_rate: Probability p1, per sample, that the weakest tampering to be seen flips its label.
        allow_fewer: Seal what there is when that is less than `count`, instead of raising an error.
        work: Progress and the folder for answers.
        created: Time for the file; now by default.

    Raises:
        ValueError: An argument is out of range or cannot be written to a file.
        CraftingError: There are too few source images or too few steady samples; says how many and what to do.
        OracleError: There was no answer, or the questions are used up.
    """
    _check(count, repeats, questions)
    refuse_search(rounding)
    described = oracle.describe()
    name = described.get("url") or described.get("name") or described.get("kind", "unknown")
    job = _Job(
        data=data,
        method=method,
        count=count,
        seed=seed,
        repeats=repeats,
        expected_flip_rate=expected_flip_rate,
        allow_fewer=allow_fewer,
        provenance=provenance_of(name, UNKNOWN_MODEL, data, method_name, settings, seed, created or datetime.now(UTC)),
        progress=work.progress,
    )
    blank = Sample(picture=Picture.of(np.zeros(data.image_shape, dtype=np.uint8)), label=0, margin=0.0, confidence=0.0)
    _seal(job, [blank])  # (1)
    asking = Questions(oracle, len(data.class_names), questions, None if work.folder is None else work.folder / ANSWERS)
    return _finish(job, _craft_rounds(job, asking), asking)  # (2) to (6)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Job:
    """The arguments of one call, and what follows from them."""

    data: DataSet
    method: LabelsOnly
    count: int
    seed: int
    repeats: int
    expected_flip_rate: float
    allow_fewer: bool
    provenance: Provenance
    progress: Progress


@dataclass(frozen=True, kw_only=True, eq=False)
class _Round:
    """One run of the method, sifted: the steady samples, and counts as reported."""

    counts: Mapping[str, int]
    pixels: Pixels
    origins: Pixels
    labels: Labels


def _check(count: int, repeats: int, questions: int | None) -> None:
    if not 1 <= count <= SAMPLE_LIMIT:
        raise ValueError(f"count is 1 to {SAMPLE_LIMIT} samples, got {count}")
    if repeats < 1:
        raise ValueError(f"repeats is how often each sample is asked about, at least 1, got {repeats}")
    if questions is not None and questions < 1:
        raise ValueError(f"questions is how many may be asked, at least 1, got {questions}")


def _craft_rounds(job: _Job, asking: Questions) -> list[_Round]:
    rounds: list[_Round] = []
    seen: set[bytes] = set()
    while len(rounds) < ROUNDS:  # (5)
        used = _total(rounds)["crafted"]
        wanted = _wanted(job, rounds, len(job.data.train) - used)
        if not wanted:
            break
        sources = pick_sources(job.data.train, wanted, job.seed, skip=used).pixels  # (2)
        rounds.append(_sift(job, sources, asking, seen))
    return rounds


def _wanted(job: _Job, rounds: Sequence[_Round], left: int) -> int:
    """Return how many samples to craft in the next round, when so many sources are left."""
    if not rounds:
        return min(job.count, left) if job.allow_fewer else job.count
    kept = sum(len(done.labels) for done in rounds)
    return wanted_again(job.count, kept, _total(rounds)["crafted"], left)


def _sift(job: _Job, sources: Pixels, asking: Questions, seen: set[bytes]) -> _Round:
    """Craft from `sources`, and keep what is new and steady."""
    crafted = job.method.craft_from_labels(asking, job.data, sources, job.seed, Work(progress=job.progress))  # (3)
    usable = crafted.usable & crafted.images.isfinite().flatten(1).all(1)
    pixels, origins = to_pixels(crafted.images[usable]), sources[crafted.rows[usable].numpy()]
    fresh = unseen(pixels, seen)
    pixels, origins = pixels[fresh], origins[fresh]
    pictures = [Picture.of(one) for one in pixels]
    # All of them before any of them again: answers some time apart are worth more.
    turns = list(range(job.repeats))
    answers = [
        [asking.again(picture) for picture in pictures]
        for _ in track_steps("confirming", turns, len(turns), job.progress)
    ]
    each = [set(one) for one in zip(*answers, strict=True)]  # (4)
    steady = np.array([len(one) == 1 and None not in one for one in each], dtype=bool)
    return _Round(
        counts={
            "crafted": len(sources),
            "given_up": int((~usable).sum()),
            "duplicates": int((~fresh).sum()),
            "lost_steadiness": int((~steady).sum()),
        },
        pixels=pixels[steady],
        origins=origins[steady],
        labels=torch.tensor([label for one, whole in zip(each, steady, strict=True) if whole for label in one]).long(),
    )


def _total(rounds: Sequence[_Round]) -> dict[str, int]:
    """Return the counts of all rounds together."""
    names = ("crafted", "given_up", "duplicates", "lost_steadiness")
    return {name: sum(done.counts[name] for done in rounds) for name in names}


def _finish(job: _Job, rounds: Sequence[_Round], asking: Questions) -> tuple[Fingerprint, SealingReport]:
    labels = torch.cat([done.labels for done in rounds])
    chosen = in_turn(labels, torch.arange(len(labels)), job.seed)[: job.count]  # (6)
    report = SealingReport(
        **_total(rounds),
        spare=len(labels) - len(chosen),
        kept=len(chosen),
        rounds=len(rounds),
        questions=asking.asked,
        recalled=asking.recalled,
    )
    if not chosen or (len(chosen) < job.count and not job.allow_fewer):
        raise CraftingError(
            f"only {report.kept} of {job.count} samples can be sealed: of {report.crafted} crafted, {report.given_up} "
            f"were given up, {report.duplicates} repeated and {report.lost_steadiness} not answered alike; ask for "
            f"fewer samples or change the settings of {job.provenance.method} ({report.questions} questions asked)"
        )
    pixels, origins = (np.concatenate([getattr(done, name) for done in rounds]) for name in ("pixels", "origins"))
    samples = [
        Sample(
            picture=Picture.of(pixels[index]),
            label=int(labels[index]),
            margin=0.0,
            confidence=0.0,
            source=Picture.of(origins[index]),
        )
        for index in chosen
    ]
    notes = {"labels": f"as answered, {job.repeats} times alike; {report.questions} questions asked in all"}
    provenance = replace(job.provenance, crafted=report.crafted, lost_steadiness=report.lost_steadiness, notes=notes)
    return _seal(replace(job, provenance=provenance), samples), report


def _seal(job: _Job, samples: Sequence[Sample]) -> Fingerprint:
    """Return the fingerprint; ValueError when it cannot be written."""
    channels, height, width = job.data.image_shape
    fingerprint = Fingerprint(
        samples=tuple(samples),
        class_names=job.data.class_names,
        profile=ProfileRecord(name="exact", floor=0.0, multiple=0.0, flip_rate=FLIP_RATE),
        preprocessing=Preprocessing(
            channels=channels,
            height=height,
            width=width,
            colour="L" if channels == 1 else "RGB",
            note="whatever the endpoint does",
        ),
        provenance=job.provenance,
        expected_flip_rate=job.expected_flip_rate,
    )
    _ = fingerprint.manifest
    return fingerprint


def refuse_search(rounding: str) -> None:
    """Raise ValueError when images are to be rounded by anything that takes more than labels."""
    if rounding != "nearest":
        raise ValueError(
            f"rounding by {rounding} needs gradients, but an endpoint gives labels and nothing else; "
            "round to the nearest grey levels"
        )


def labels_only(name: str, method: Method) -> LabelsOnly:
    """Return `method` when labels are all it needs.

    Raises:
        ValueError: It needs more; says what, and which methods do not.
    """
    if isinstance(method, LabelsOnly):
        return method
    others = ", ".join(known for known, made in METHODS.items() if isinstance(made(), LabelsOnly))
    raise ValueError(
        f"{name} needs {' and '.join(method.card.needs)}, but an endpoint gives labels and nothing else; "
        f"methods that need no more are {others}"
    )
