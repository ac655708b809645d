"""Which release answers? Compares the answers of an oracle with the labels of every known release. Needs no torch.

A release is named when two things hold at once. Its own sequential test has accepted it, as that of the protected model
accepts an intact one; and it is likelier than every other candidate by a factor that their number divided by alpha
gives. The second is the likelihood ratio of two models that are served honestly: where both have a label and not the
same one, an answer with the label of the first multiplies it by (1 - p0) / p0, one with the label of the second by the
inverse. When the second answers, the ratio exceeds a bound at any time with probability one over that bound at most
(Ville), and so, summed over the others, the wrong release is named with probability alpha at most.

A model that is none of the candidates is named wrongly with probability beta at most, because each release has a share
of beta. A release that its owner accepts beforehand is passed at the same rates: the protected model then gets a share
of beta like the others, and nothing counts as tampering before every accepted release is excluded by its own test.

A known preprocessing is a candidate too: the labels of the protected model when the server prepares pictures in another
way. These share a beta of their own, so that a model that is none of them is named as one with probability beta at
most; none can be accepted.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import PROTECTED
from modelprint.verification.sequential import SequentialTest

NO_LABEL = -1


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How well one candidate explains the answers.

    Attributes:
        name: The release, or PROTECTED.
        matched: Usable answers with its label.
        answered: Usable answers about samples whose label it is sure of.
        evidence: Log likelihood ratio of this candidate, served honestly, against a model that flips its labels with
            probability p1.
        excluded: Whether the answers have, at some time, been too unlikely for it.
    """

    name: str
    matched: int
    answered: int
    evidence: float
    excluded: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.matched} of {self.answered}"


@dataclass(frozen=True, kw_only=True)
class Identification:
    """Which release answers, and how sure that is.

    Attributes:
        names: The release that is named, and others that explain the answers and that no sample separates from it;
            empty when none is named. Of several that are accepted, all that explain the answers are named.
        accepted: Whether they were accepted beforehand.
        pending: Whether some release was accepted beforehand, none of these is named, and not all are excluded.
        runner_up: The candidate that comes next; None when none is named or no sample separates the others from it.
        lead: Log likelihood ratio of the named release over the runner-up; None without one.
        needed: Smallest lead with which a release is named.
        enough: How many answers it takes to name a release when all of them match.
        fits: Every candidate, the likeliest first.
        preprocessing: What the pictures went through, when the protected model with another preprocessing explains the
            answers; None otherwise.
    """

    names: tuple[str, ...]
    accepted: bool
    pending: bool
    runner_up: str | None
    lead: float | None
    needed: float
    enough: int
    fits: tuple[Fit, ...]
    preprocessing: str | None = None

    def sentence(self) -> str:
        """Say which release or preprocessing explains the answers, or that none does."""
        fits = {fit.name: fit for fit in self.fits}
        if not self.names:
            return self._explain_none([fit for fit in self.fits if fit.name != PROTECTED])
        found = fits[self.names[0]]
        said = f"matches release {' or '.join(self.names)}: {found.matched} of {found.answered} labels"
        if self.preprocessing is not None:
            said = (
                f"explained by {describe_preprocessing(self.preprocessing)}: {found.matched} of {found.answered} labels"
            )
        if self.runner_up is not None and self.lead is not None:
            said += f"; runner-up {fits[self.runner_up]}, {_format_ratio(self.lead)} times less likely"
        return f"{said}; this is accepted" if self.accepted else said

    def _explain_none(self, releases: Sequence[Fit]) -> str:
        nearest = f"{releases[0]} labels"
        if all(fit.excluded for fit in releases):
            return f"no known release explains the answers; nearest is {nearest}"
        following = f", then {releases[1]}" if len(releases) > 1 else ""
        return (
            f"the answers name no known release; nearest is {nearest}{following}; it takes {self.enough} matching "
            f"answers that are {_format_ratio(self.needed)} times likelier than from any other"
        )


class Candidates:
    """The protected model and the releases, and how well each explains the answers so far."""

    def __init__(self, fingerprint: Fingerprint, test: SequentialTest, accept: Sequence[str] = ()) -> None:
        """Begin without answers.

        Args:
            fingerprint: Carries at least one release or known preprocessing.
            test: The test of the protected model; every release gets the same one with a smaller beta.
            accept: Releases that are as good as the protected model.
        """
        known = {one.name: one.labels for one in fingerprint.preprocessings}
        sets = fingerprint.label_sets | known
        self._names = list(sets)
        self._preprocessings = {one.name: one.preprocessing for one in fingerprint.preprocessings}
        self._accepted = [place for place, name in enumerate(self._names) if name in accept]
        self._labels = np.array([[NO_LABEL if one is None else one for one in labels] for labels in sets.values()])
        self._test = replace(test, beta=shared_beta(test.beta, len(fingerprint.models)))
        # Known preprocessing passes nowhere, so it has a beta of its own, and makes no release harder to name.
        self._prepared = replace(test, beta=test.beta / max(1, len(fingerprint.preprocessings)))
        self._needed = math.log(len(fingerprint.releases) / test.alpha)
        self._per_answer = math.log((1 - test.p0) / test.p0)
        count = len(self._names)
        self._matched = np.zeros(count, dtype=int)
        self._answered = np.zeros(count, dtype=int)
        self._excluded = np.zeros(count, dtype=bool)
        self._unusable: set[int] = set()  # samples without a usable answer so far
        self._ahead = np.zeros((count, count), dtype=int)  # answers for the row less answers for the column
        self._apart = np.array([self._find_separable(labels) for labels in self._labels])

    def _find_separable(self, labels: np.ndarray) -> np.ndarray:
        """Return which candidates some sample separates from the one with these labels."""
        both = (labels != NO_LABEL) & (self._labels != NO_LABEL)
        return np.asarray((both & (labels != self._labels)).any(1))

    def add(self, index: int, label: int | None) -> None:
        """Count the answer `label` about sample `index`; None for an answer that is not usable."""
        if label is None:
            self._unusable.add(index)
            return
        self._unusable.discard(index)
        expected = self._labels[:, index]
        known, hit = expected != NO_LABEL, expected == label
        self._matched += hit
        self._answered += known
        self._ahead += (hit[:, None].astype(int) - hit[None, :]) * (known[:, None] & known[None, :])
        self._excluded |= np.array([self._ratio(place) >= self._test.upper for place in range(len(self._names))])

    @property
    def settled(self) -> bool:
        """Whether more answers are of no use: a release is named, or all are excluded.

        While an accepted release may still answer, naming another is not enough.
        """
        named = self._find_named()
        if named and named[0] in self._accepted:
            return True
        return bool(self._excluded[1:].all()) or (bool(named) and self._all_accepted_are_excluded)

    def conclude(self) -> Identification:
        """State what the answers amount to."""
        named = self._find_named()
        accepted = bool(named) and named[0] in self._accepted
        rivals = [other for other in self._find_rivals(named[0]) if other not in named] if named else []
        runner_up = min(rivals, key=lambda rival: self._lead(named[0], rival), default=None)
        fits = [self._summarise(place) for place in range(len(self._names))]
        names = tuple(self._names[place] for place in named)
        prepared = [self._preprocessings[name] for name in names if name in self._preprocessings]
        return Identification(
            names=names,
            accepted=accepted,
            pending=not accepted and not self._all_accepted_are_excluded,
            runner_up=None if runner_up is None else self._names[runner_up],
            lead=None if runner_up is None else self._lead(named[0], runner_up),
            needed=self._needed,
            enough=(
                self._test if len(self._names) > 1 + len(self._preprocessings) else self._prepared
            ).answers_for_intact,
            fits=tuple(sorted(fits, key=lambda fit: -fit.evidence)),
            preprocessing=prepared[0] if prepared and not accepted else None,
        )

    def _find_named(self) -> list[int]:
        """Return the release that answers first, then others that explain the answers and need not be separated."""
        fitting = [
            place
            for place in range(1, len(self._names))
            if not self._excluded[place] and self._passes(place) and self._apart[place, 0]
        ]
        for place in sorted(fitting, key=self._ratio):
            unbeaten = [rival for rival in self._find_rivals(place) if self._lead(place, rival) < self._needed]
            if not unbeaten or (place in self._accepted and set(unbeaten) <= set(self._accepted)):
                same = (other for other in fitting if other in unbeaten or not self._apart[place, other])
                return [place, *(other for other in same if other != place)]
        return []

    @property
    def _all_accepted_are_excluded(self) -> bool:
        return bool(self._excluded[self._accepted].all())

    def _find_rivals(self, place: int) -> list[int]:
        """Return the candidates that some sample separates from this one."""
        return [int(other) for other in self._apart[place].nonzero()[0]]

    def _lead(self, place: int, rival: int) -> float:
        """Return the log likelihood ratio of one candidate over another, both served honestly."""
        return int(self._ahead[place, rival]) * self._per_answer

    def _ratio(self, place: int) -> float:
        matched = int(self._matched[place])
        return self._test.ratio(matched, int(self._answered[place]) - matched)

    def _passes(self, place: int) -> bool:
        """Return whether a model that is not this candidate would seldom get this far."""
        matched, unusable = int(self._matched[place]), sum(self._labels[place, sorted(self._unusable)] != NO_LABEL)
        test = self._prepared if self._names[place] in self._preprocessings else self._test
        return test.is_intact(matched, int(self._answered[place]) - matched, int(unusable))

    def _summarise(self, place: int) -> Fit:
        return Fit(
            name=self._names[place],
            matched=int(self._matched[place]),
            answered=int(self._answered[place]),
            evidence=-self._ratio(place),
            excluded=bool(self._excluded[place]),
        )


def shared_beta(beta: float, release_count: int) -> float:
    """Return the share of each candidate, so that a model that is none of them passes as any with `beta` at most."""
    return beta / (1 + release_count)


def check_accepted(fingerprint: Fingerprint, accept: Sequence[str]) -> tuple[str, ...]:
    """Return the accepted names in order, each once; ValueError when the fingerprint does not know one."""
    known = [release.name for release in fingerprint.models]
    for name in accept:
        if name in [release.name for release in fingerprint.preprocessings]:
            raise ValueError(f"{name!r} is another preprocessing and no release, so it cannot be accepted")
        if name not in known:
            those = f"it knows {', '.join(known)}" if known else "it carries no releases"
            raise ValueError(f"no release {name!r} in this fingerprint to accept; {those}")
    return tuple(sorted(set(accept)))


def describe_preprocessing(name: str) -> str:
    """Return what the pictures of a server with a known preprocessing go through, as a noun."""
    known = {
        "bgr": "BGR pictures",
        "resize": "resized pictures",
        "unit": "values divided by 255 twice",
        "grey": "grey levels that are not divided by 255",
        "mean-std": "values normalised twice",
        "half": "values normalised by 0.5 / 0.5",
    }
    quality = name.removeprefix("jpeg-")
    return known.get(name, f"JPEG pictures of quality {quality}" if quality != name else f"the preprocessing {name}")


def _format_ratio(log_ratio: float) -> str:
    """Return a likelihood ratio as text, however large."""
    exponent = log_ratio / math.log(10)
    return f"{10**exponent:.2g}" if exponent < 15 else f"1e+{math.floor(exponent)}"
