"""From the labels of an oracle to a fingerprint: labels are steady when repeated questions get the same answer.

    oracle, method = open_oracle(load_endpoint(Path("endpoint.yaml")), data.class_names), PublicCheck()
    fingerprint, report = seal_from_labels(oracle, data, method, count=20)

There are no logits, so no margins are measured and only the profile "exact" can be claimed: served in another honest
way, the same model may answer differently. There are no weights to take a digest of either, and the file says so.
"""

import logging
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import torch
from jaxtyping import Bool

from modelprint.calibration.flips import Flips
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.fingerprint.blocks import Control
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import UNKNOWN_MODEL, ProfileRecord
from modelprint.fingerprint.provenance import provenance_of
from modelprint.generation.agreement import Agreement, check_agreement, measure_agreement
from modelprint.generation.controls import choose_controls
from modelprint.generation.label_source import UNSTEADY, LabelSource
from modelprint.generation.loop import Judgement, Request, seal_blank, seal_selection, select_samples
from modelprint.generation.measures import FLIP_RATE, Measured, Measures, SealedRates, summarise
from modelprint.generation.sensitivity import LARGEST
from modelprint.methods import METHODS, LabelsOnly, Method
from modelprint.methods.method import Crafted, read_settings
from modelprint.oracles.oracle import Oracle
from modelprint.oracles.pixel_form import PixelForm
from modelprint.pixels import Picture, Pixels
from modelprint.progress import Progress, track_steps
from modelprint.tensors import Images, to_pixels
from modelprint.work import Work

log = logging.getLogger(__name__)

ANSWERS = "answers.jsonl"
"""File with the answers that an interrupted call has received."""
OLD_ANSWERS = "answers.txt"
"""What older versions called it; its answers cannot be read any more."""

EXACT = ProfileRecord(name="exact", floor=0.0, multiple=0.0, flip_rate=FLIP_RATE)
"""The only profile that labels can support."""

ORDINARY = 32
"""Ordinary images that are asked about, classes in turn, before anything is crafted."""

ENOUGH_ANSWERS = 300
"""Answers without a flip from which on they bound the flip rate p0; fewer say too little, and it is assumed."""


@dataclass(frozen=True, kw_only=True)
class SealingReport:
    """What became of the samples, and how many questions it took.

    Attributes:
        crafted: How many the method was asked for in all rounds; the sum of the five counts that follow.
        given_up: The method had no sample for the source.
        duplicates: The same pixels as an earlier sample.
        lost_steadiness: Asked again, the oracle gave another label, or a tie.
        spare: Steady, but not needed.
        kept: Sealed.
        rounds: How often the method was run.
        questions: How many pictures the oracle was asked about.
        recalled: How many questions an interrupted call had already got answers to.
        rates: The flip rates and what else the file says.
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
    rates: SealedRates

    def summary(self) -> str:
        """Return one line for each count."""
        lines = {
            "crafted": f"{self.crafted} in {self.rounds} round(s)",
            "given up": f"{self.given_up} by the method",
            "repeated": f"{self.duplicates} with the pixels of another",
            "steadiness": f"{self.lost_steadiness} lost, asked again they got another label",
            "spare": f"{self.spare} steady, but not needed",
            "kept": str(self.kept),
            "questions": f"{self.questions} asked, {self.recalled} answered before",
            **self.rates.lines(),
        }
        return "\n".join(f"{name:<12} {text}" for name, text in lines.items())

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each verdict that no check can reach."""
        return self.rates.warnings


def seal_from_labels(
    oracle: Oracle,
    data: DataSet,
    method: LabelsOnly,
    *,
    count: int,
    seed: int = 0,
    repeats: int = 3,
    questions: int | None = None,
    rounding: str = "nearest",
    measures: Measures = Measures(),  # noqa: B008 - frozen, so one for all calls is right
    allow_fewer: bool = False,
    work: Work = Work(),  # noqa: B008 - frozen, so one for all calls is right
    created: datetime | None = None,
) -> tuple[Fingerprint, SealingReport]:
    """Craft samples with `method` by asking `oracle` for labels, and seal those it labels alike each time.

    1. Seal a blank sample, so that arguments no file can hold are refused before any question.
    2. Ask about ORDINARY test images, classes in turn, and compare the answers with the labels of the data.
    3. Pick source images from the training part, classes in turn, none of them twice.
    4. Craft; drop what the method gave up on, and repeated pixels.
    5. Ask about all of them, `repeats` times over; keep those with the same label each time and no tie.
    6. Craft again what is missing, in up to four rounds.
    7. Put the samples in an order that takes the labels in turn, bound the honest flip rate by the answers of step 5,
       and seal.

    Answers are kept in the folder of `work` as they come, so that an interrupted call asks for none of them twice when
    it is repeated; the questions of step 5 are asked again. Cheap tamperings cannot be tried without weights.

    Args:
        oracle: What is asked.
        data: Natural images with the classes of the oracle.
        method: How to craft; the file has its name and all its settings.
        count: How many samples to seal.
        seed: Equal arguments and answers give equal samples.
        repeats: How often each sample is asked about at the end.
        questions: Most questions to ask; None for as many as it takes.
        rounding: "nearest" grey levels; a search for better ones takes gradients, and is refused.
        measures: What else to measure and to seal; of these labels allow the ordinary images, the controls, a given
            flip rate p1 and the honest flips in the repeats.
        allow_fewer: Seal fewer than `count` samples when there are no more, instead of raising an error.
        work: Progress and the folder for answers.
        created: Time for the file; now by default.

    Raises:
        ValueError: An argument is out of range or cannot be written to a file.
        CraftingError: There are too few source images or too few steady samples, or the answers do not fit the labels
            of the data; says how many and what to do.
        OracleError: There was no answer, or the questions are used up.
    """
    _check(repeats, questions)
    refuse_search(rounding)
    described = oracle.describe()
    name = described.get("url") or described.get("name") or described.get("kind", "unknown")
    provenance = provenance_of(
        name, UNKNOWN_MODEL, data, method.name, read_settings(method), seed, created or datetime.now(UTC)
    )
    request = Request(
        data=data,
        count=count,
        seed=seed,
        expected_flip_rate=LARGEST if measures.expected_flip_rate is None else measures.expected_flip_rate,
        allow_fewer=allow_fewer,
        provenance=provenance,
        preprocessing_note="whatever the endpoint does",
    )
    seal_blank(request, EXACT)  # (1)
    record = None if work.folder is None else work.folder / ANSWERS
    if record is not None and record.with_name(OLD_ANSWERS).is_file():
        log.warning("%s is from an older version and cannot be read; all questions are asked again", OLD_ANSWERS)
    labels = LabelSource(oracle, len(data.class_names), questions, record)
    agreement, controls = ask_ordinary(labels, data, measures, seed, name)  # (2)
    steadiness = ByRepetition(labels, request, method, repeats, work.progress)
    selection = select_samples(request, steadiness)  # (3) to (7)
    measured = Measured(
        agreement=agreement,
        controls=controls,
        flips=steadiness.count_flips() if measures.noise_answers else None,
        given=measures.expected_flip_rate,
    )
    measured.check(measures.weak)
    counts = {name: count for name, count in selection.counts.items() if name != "lost_rounding"}
    rates = summarise(measured, len(selection.samples), 0)
    report = SealingReport(**counts, questions=labels.asked, recalled=labels.recalled, rates=rates)
    notes = {"labels": f"as answered, {repeats} times alike; {report.questions} questions asked in all"}
    form = ", ".join(f"{key}={described[key]}" for key in PixelForm.model_fields if key in described)
    notes |= {"pixels": f"given to the model with {form}"} if form else {}
    profile = replace(EXACT, flip_rate=measured.flip_rate)
    fingerprint = seal_selection(request, selection, profile, notes=notes | measured.notes(), blocks=measured.blocks())
    return fingerprint, report


def ask_ordinary(
    labels: LabelSource, data: DataSet, measures: Measures, seed: int, name: str
) -> tuple[Agreement | None, tuple[Control, ...]]:
    """Ask about ordinary images; return how many get the label of the data, and the controls among these.

    Raises:
        CraftingError: The answers do not fit the labels of the data, and `measures` does not allow that.
        OracleError: There was no answer, or the questions are used up.
    """
    if not measures.ordinary:
        return None, ()
    images = pick_sources(data.test, min(ORDINARY, measures.ordinary, len(data.test)), seed)
    answers = labels(images.pixels).numpy()
    agreement = measure_agreement(images, answers)
    if not measures.any_accuracy:
        check_agreement(agreement, images, name)
    unknown = np.zeros(len(images))
    return agreement, choose_controls(images, answers == images.labels, unknown, measures.controls)


def _check(repeats: int, questions: int | None) -> None:
    if repeats < 1:
        raise ValueError(f"repeats is how often each sample is asked about, at least 1, got {repeats}")
    if questions is not None and questions < 1:
        raise ValueError(f"questions is how many may be asked, at least 1, got {questions}")


class ByRepetition:
    """Steadiness by repetition: an oracle gives the same label each time, and no tie."""

    def __init__(
        self, labels: LabelSource, request: Request, method: LabelsOnly, repeats: int, progress: Progress
    ) -> None:
        """Take the parts; see `seal_from_labels`."""
        self._labels, self._request, self._method = labels, request, method
        self._repeats, self._progress = repeats, progress
        self._found: list[int] = []
        self._answers = self._flips = 0

    def craft(self, sources: Pixels, index: int) -> Crafted:
        """Run the method; the answers that it gets are recorded, so it needs no state of its own."""
        work = Work(progress=self._progress)
        return self._method.craft_from_labels(self._labels, self._request.data, sources, self._request.seed, work)

    def round(self, images: Images, origins: Pixels, index: int) -> tuple[Pixels, Bool[np.ndarray, " n"]]:
        """Return the nearest grey levels; whether a label is lost shows when it is asked for."""
        return to_pixels(images), np.ones(len(images), dtype=bool)

    def observe(self, pixels: Pixels) -> None:
        """Ask about the candidates `repeats` times over: all of them before any of them again."""
        pictures = [Picture.of(one) for one in pixels]
        turns = list(range(self._repeats))
        answers = [
            [self._labels.ask_again(picture) for picture in pictures]
            for _ in track_steps("confirming", turns, len(turns), self._progress)
        ]
        # Answers that are some time apart are worth more, so the turns are the outer loop.
        each = [Counter(one) for one in zip(*answers, strict=True)]
        self._found += [next(iter(one)) if len(one) == 1 else UNSTEADY for one in each]
        self._answers += sum(one.total() for one in each)
        self._flips += sum(one.total() - max(one.values()) for one in each)

    def count_flips(self) -> Flips | None:
        """Return how many answers about any candidate were not its most frequent one; None when they say too little.

        Candidates that are not sealed count too: those sealed were chosen for having no flip.
        """
        if not self._flips and self._answers < ENOUGH_ANSWERS:
            return None
        return Flips(answers=self._answers, flips=self._flips)

    def label_sources(self, sources: Pixels) -> list[int | None]:
        """Return the labels that were asked for while crafting; no question is asked for this."""
        return [self._labels.recall(Picture.of(one)) for one in sources]

    def judge(self) -> Judgement:
        """Judge all candidates; nothing is known of margins and confidences."""
        labels = torch.tensor(self._found, dtype=torch.int64)
        unknown = torch.zeros(len(labels), dtype=torch.float64)
        return Judgement(labels=labels, steady=labels != UNSTEADY, margins=unknown, confidences=unknown)

    def explain_loss(self) -> str:
        """Say how many questions were asked in all."""
        return f"not answered alike in {self._labels.asked} questions"


def refuse_search(rounding: str) -> None:
    """Raise ValueError for rounding by a search, which needs more than labels."""
    if rounding != "nearest":
        raise ValueError(
            f"rounding by {rounding} needs gradients, but an endpoint gives labels and nothing else; "
            "round to the nearest grey levels"
        )


def require_labels_only(method: Method) -> LabelsOnly:
    """Return `method` when labels are all it needs.

    Raises:
        ValueError: It needs more; says what, and which methods do not.
    """
    if isinstance(method, LabelsOnly):
        return method
    others = ", ".join(name for name, factory in METHODS.items() if isinstance(factory(), LabelsOnly))
    raise ValueError(
        f"{method.name} needs {' and '.join(method.card.needs)}, but an endpoint gives labels and nothing else; "
        f"methods that need no more are {others}"
    )
