"""A first look at an endpoint: a few ordinary pictures show whether and how it answers, before any sample is spent."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

from modelprint.errors import EndpointError
from modelprint.oracles.endpoint import Endpoint, open_oracle
from modelprint.oracles.oracle import Answer
from modelprint.oracles.replies import Named
from modelprint.oracles.requests import Caller
from modelprint.pixels import Picture

PROBLEMS_SHOWN = 5
CONFIRMATIONS = 2
"""How many pictures must agree on a label that is known, before it is mapped to another class than its own."""


@dataclass(frozen=True, kw_only=True)
class ProbeReport:
    """What a few questions show about an endpoint.

    Attributes:
        reachable: Whether anything spoke HTTP at all.
        asked: Pictures asked about; one more question repeats the first.
        answered: Pictures that got a label, known to us or not.
        understood: Pictures whose label stands for one of our classes.
        vocabulary: Labels as the server wrote them, in order of appearance.
        scores: Form of the scores: none, and how many numbers of which kind.
        ties: Answers whose two best scores were equal.
        latency_ms: Median and longest duration of an answer in milliseconds.
        server: Hints of the server about itself, each with the values seen.
        repeatable: Whether the same picture twice got the same label; None when that cannot be said.
        agreement: Pictures whose label was the expected one; None when nothing was expected.
        expected_agreement: How many should have it when pictures and labels arrive as they should; None when unknown.
        proposed_labels: Server label to class name, from the expected labels; None when none is needed or the answers
            fit none. Labels that are known are mapped only when all of them together fit another order of the classes.
        problems: What went wrong, each once.
    """

    reachable: bool
    asked: int
    answered: int
    understood: int
    vocabulary: tuple[Named, ...] = ()
    scores: str = "none"
    ties: int = 0
    latency_ms: tuple[float, float] = (0.0, 0.0)
    server: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    repeatable: bool | None = None
    agreement: int | None = None
    expected_agreement: int | None = None
    proposed_labels: Mapping[str, str] | None = None
    problems: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the report as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)

    def summary(self) -> str:
        """Return the report as a few lines for a person."""
        repeat = {True: "yes", False: "no: the answers differ", None: "unknown"}[self.repeatable]
        lines = [
            f"reachable      {'yes' if self.reachable else 'no'}",
            f"answered       {self.answered} of {self.asked}, {self.understood} with a label that is known",
            f"labels         {', '.join(map(str, self.vocabulary)) or 'none'}",
            f"scores         {self.scores}" + (f", {self.ties} ties" if self.ties else ""),
            f"latency        {self.latency_ms[0]:.0f} ms, at most {self.latency_ms[1]:.0f} ms",
            f"repeatable     {repeat}",
        ]
        if self.agreement is not None:
            lines.append(
                f"agreement      {self.agreement} of {self.asked} have the expected label{self._rate_agreement()}"
            )
        lines += [f"server         {name}: {', '.join(values)}" for name, values in self.server.items()]
        lines += [f"problem        {problem}" for problem in self.problems[:PROBLEMS_SHOWN]]
        if len(self.problems) > PROBLEMS_SHOWN:
            lines.append(f"problem        and {len(self.problems) - PROBLEMS_SHOWN} more")
        if self.proposed_labels:
            entries = [f"  {json.dumps(server)}: {json.dumps(ours)}" for server, ours in self.proposed_labels.items()]
            lines += ["proposed label map:", "labels:", *entries]
        return "\n".join(lines)

    def _rate_agreement(self) -> str:
        """Say how many should agree, and what to check when fewer do."""
        if self.expected_agreement is None or self.agreement is None:
            return "; how many should depends on the accuracy of the model"
        if self.agreement >= self.expected_agreement:
            return ", as they should"
        return "; all should: check labels, colours, values, mean and std of the endpoint file"


def probe(
    endpoint: Endpoint,
    pictures: Sequence[Picture],
    class_names: Sequence[str],
    *,
    labels: Sequence[int] | None = None,
    sure: bool = False,
    caller: Caller | None = None,
    rng: random.Random | None = None,
) -> ProbeReport:
    """Ask `endpoint` about ordinary pictures, then about the first one again.

    Args:
        endpoint: Whom to ask; its budget counts.
        pictures: Ordinary pictures, never samples of a fingerprint: those are burnt once a provider has seen them.
        class_names: Our classes, in index order.
        labels: Expected class of each picture, from which a label map is proposed; pictures with clear margins serve
            best, one per class.
        sure: Whether the served model gives every picture its label when it is asked as it should be.
        caller: Sends the requests; by default one with the endpoint's own limits.
        rng: Source of request ids and jitter.

    Returns:
        What was found; problems are part of it.

    Raises:
        EndpointError: There is no connection at all; the message says what to check.
    """
    if not pictures:
        raise ValueError("a probe needs at least one picture")
    if labels is not None and len(labels) != len(pictures):
        raise ValueError(f"{len(pictures)} pictures but {len(labels)} expected labels")
    oracle = open_oracle(endpoint, class_names, caller=caller, rng=rng)
    answers = [oracle.ask(picture) for picture in pictures]
    repeated = oracle.ask(pictures[0]) if answers[0].named is not None else None
    everything = [*answers, *([] if repeated is None else [repeated])]
    latencies = [answer.latency_ms for answer in everything if answer.status is not None]
    return ProbeReport(
        reachable=any(answer.status is not None for answer in everything),
        asked=len(answers),
        answered=sum(answer.named is not None for answer in answers),
        understood=sum(answer.label is not None for answer in answers),
        vocabulary=tuple(dict.fromkeys(answer.named for answer in answers if answer.named is not None)),
        scores=_describe_scores(answers),
        ties=sum(answer.tie for answer in answers),
        latency_ms=(median(latencies), max(latencies)) if latencies else (0.0, 0.0),
        server=_collect_hints(everything),
        repeatable=_compare_repeated(answers[0], repeated),
        agreement=None if labels is None else sum(a.label == label for a, label in zip(answers, labels, strict=True)),
        expected_agreement=len(answers) if sure and labels is not None else None,
        proposed_labels=None if labels is None else _propose_labels(answers, labels, class_names),
        problems=tuple(dict.fromkeys(answer.problem for answer in everything if answer.problem is not None)),
    )


def _describe_scores(answers: Sequence[Answer]) -> str:
    offered = [[score for _, score in answer.ranking] for answer in answers if answer.ranking]
    if not offered:
        return "none"
    bounded = all(0 <= score <= 1 for scores in offered for score in scores)
    return f"{max(map(len, offered))} per answer, {'within 0 .. 1' if bounded else 'not bounded by 0 .. 1'}"


def _compare_repeated(first: Answer, again: Answer | None) -> bool | None:
    if again is None or again.named is None:
        return None
    return first.named == again.named


def _collect_hints(answers: Sequence[Answer]) -> dict[str, tuple[str, ...]]:
    names = dict.fromkeys(name for answer in answers for name in answer.server)
    return {name: tuple(dict.fromkeys(a.server[name] for a in answers if name in a.server)) for name in names}


def _propose_labels(
    answers: Sequence[Answer], labels: Sequence[int], class_names: Sequence[str]
) -> dict[str, str] | None:
    """Return server label to class name, or None when the answers need or fit no map.

    A classifier makes mistakes, so one picture never moves a label that is known. Labels that are known are moved only
    together: when the answers fit a one-to-one map that is another order of the same classes.
    """
    for label in labels:
        if not 0 <= label < len(class_names):
            raise EndpointError(f"expected label {label} is no class, indices run from 0 to {len(class_names) - 1}")
    if all(answer.label == label for answer, label in zip(answers, labels, strict=True)):
        return None
    seen: dict[str, list[int]] = {}
    known: dict[str, int | None] = {}
    for answer, label in zip(answers, labels, strict=True):
        if answer.named is not None and not answer.tie:
            seen.setdefault(str(answer.named), []).append(label)
            known[str(answer.named)] = answer.label
    single = {named: ours[0] for named, ours in seen.items() if len(set(ours)) == 1}
    unknown = {named for named, label in known.items() if label is None}
    if seen and len(single) == len(seen) == len(set(single.values())) and (unknown or _is_another_order(seen, known)):
        return {named: class_names[ours] for named, ours in single.items()}
    proposed = {named: ours for named, ours in single.items() if named in unknown}
    own = {named: label for named, label in known.items() if label is not None}
    return {named: class_names[ours] for named, ours in (own | proposed).items()} if proposed else None


def _is_another_order(seen: Mapping[str, Sequence[int]], known: Mapping[str, int | None]) -> bool:
    """Whether the labels, all known, are the classes of the pictures in another order, and not a few mistakes."""
    if {ours for labels in seen.values() for ours in labels} != set(known.values()):
        return False
    moved = [named for named, ours in seen.items() if known[named] != ours[0]]
    return len(moved) * 2 > len(seen) or all(len(seen[named]) >= CONFIRMATIONS for named in moved)
