"""What became of the samples that were crafted, reported when a fingerprint is generated."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelprint.fingerprint.parts import PROTECTED
from modelprint.generation.measures import SealedRates


@dataclass(frozen=True, kw_only=True)
class GenerationReport:
    """What became of the samples.

    Attributes:
        crafted: How many the method was asked for in all rounds; the sum of the six counts that follow.
        given_up: The method had no sample for the source, or one with values that are not finite.
        lost_rounding: Rounding to eight bits changed the label.
        duplicates: The same pixels as an earlier sample.
        lost_steadiness: Honest serving may change the label.
        spare: Steady, but not needed.
        kept: Sealed.
        rounds: How often the method was run.
        floor: Noise floor of the profile, in logits.
        multiple: Smallest margin kept, in floors.
        absent: Variants of the profile that could not be measured, and why.
        separations: How many samples distinguish the protected model and the releases from each other, every pair once.
        searched: How many images were rounded by search.
        residual_nearest: Median error of their gaps between logits at the nearest grey levels; 0 when `searched` is 0.
        residual_search: Median error of the same gaps as they were rounded.
        rates: The flip rates and what else the file says; None before it is sealed.
    """

    crafted: int
    given_up: int
    lost_rounding: int
    duplicates: int
    lost_steadiness: int
    spare: int
    kept: int
    rounds: int
    floor: float
    multiple: float
    absent: Mapping[str, str] = field(default_factory=dict)
    separations: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    searched: int = 0
    residual_nearest: float = 0.0
    residual_search: float = 0.0
    rates: SealedRates | None = None

    def summary(self) -> str:
        """Return one line for each count."""
        lines = {
            "crafted": f"{self.crafted} in {self.rounds} round(s)",
            "given up": f"{self.given_up} by the method",
            "rounding": f"{self.lost_rounding} lost, their label changed at 8 bits",
            "repeated": f"{self.duplicates} with the pixels of another",
            "steadiness": f"{self.lost_steadiness} lost, honest serving may change their label",
            "spare": f"{self.spare} steady, but not needed",
            "kept": f"{self.kept}, margins at least {self.multiple:g} times the noise floor of {self.floor:.3g} logits",
        }
        lines |= self.rounding_note | ({} if self.rates is None else self.rates.lines())
        found = [f"{name:<12} {text}" for name, text in lines.items()]
        found += [f"not measured {name} ({reason})" for name, reason in self.absent.items()]
        return "\n".join(found + [f"{'separated':<12} {text}" for text in self._describe_separations()])

    @property
    def rounding_note(self) -> dict[str, str]:
        """The result of the search for grey levels; empty without one."""
        if not self.searched:
            return {}
        before, after = self.residual_nearest, self.residual_search
        return {"search": f"{self.searched} rounded by it, median error of gaps {before:.2g} to {after:.2g} logits"}

    def _describe_separations(self) -> list[str]:
        """Return how many samples distinguish each release from the protected model and the nearest other release."""
        lines = []
        for name, count in self.separations.get(PROTECTED, {}).items():
            pairs = self.separations.items()
            others = {other: found[name] for other, found in pairs if other != PROTECTED and name in found}
            others |= self.separations.get(name, {})
            nearest = min(others, key=lambda other: others[other], default=None)
            beside = "" if nearest is None else f", from {nearest} by {others[nearest]}"
            lines.append(f"{name} from {PROTECTED} by {count} samples{beside}")
        return lines

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each verdict that no check can reach: too few samples, or releases that look alike."""
        few = () if self.rates is None else self.rates.warnings
        return few + tuple(
            f"warning: no sample tells {other} from {name}: a check cannot say which of them answers"
            for name, others in self.separations.items()
            for other, count in others.items()
            if not count
        )
