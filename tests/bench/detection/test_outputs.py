"""Output forms compare what a service tells and nothing else; every case is known by hand."""

import pytest
import torch
from torch import Tensor

from modelprint.bench.detection.outputs import OUTPUTS, differences, round_half_even


def logits_of(*rows: list[float]) -> Tensor:
    """Return logits whose probabilities are those given; each row adds up to one."""
    return torch.tensor(rows, dtype=torch.float64).log().float()


def differs(form: str, expected: list[float], got: list[float]) -> bool:
    """Return whether one answer differs in a form."""
    return bool(OUTPUTS[form](logits_of(expected), logits_of(got)).item())


BEFORE = [0.48, 0.26, 0.10, 0.09, 0.07]


@pytest.mark.parametrize(
    ("got", "seen_by"),
    [
        (BEFORE, set()),
        # The label changes and no value does: a form that compares values alone does not see it.
        ([0.26, 0.48, 0.10, 0.09, 0.07], {"top-1", "top-3", "top-5", "p-dec-1", "p-dec-2", "label+p-dec2"}),
        # The third class changes, then the last two alone.
        ([0.48, 0.26, 0.09, 0.10, 0.07], {"top-3", "top-5", "p-dec-2"}),
        ([0.48, 0.26, 0.10, 0.07, 0.09], {"top-5", "p-dec-2"}),
        # Two hundredths move from the first class to the second; in tenths both stay.
        ([0.46, 0.28, 0.10, 0.09, 0.07], {"top-1-p-dec2", "p-dec-2", "label+p-dec2"}),
        # Six hundredths move, which is another tenth.
        ([0.42, 0.32, 0.10, 0.09, 0.07], {"top-1-p-dec2", "p-dec-1", "p-dec-2", "label+p-dec2"}),
        # Less than half of a hundredth: nobody sees it.
        ([0.483, 0.257, 0.10, 0.09, 0.07], set()),
    ],
)
def test_each_form_sees_what_it_tells(got: list[float], seen_by: set[str]) -> None:
    """Labels, order, the largest value, all values: each case differs in exactly these."""
    assert {name for name in OUTPUTS if differs(name, BEFORE, got)} == seen_by


def test_values_are_rounded_to_powers_of_ten() -> None:
    """The public code's 10 ^ 2 is exclusive or, 8: in eighths 0.90 and 0.92 are equal, and 0.06 and 0.07 are not."""
    assert (10 ^ 2, round(0.90 * 8), round(0.06 * 8)) == (8, round(0.92 * 8), round(0.07 * 8) - 1)

    assert differs("top-1-p-dec2", [0.90, 0.10], [0.92, 0.08])
    assert not differs("p-dec-1", [0.94, 0.06], [0.93, 0.07])


def test_a_half_goes_to_the_even_neighbour() -> None:
    """0.125 and 0.375 lie half way between hundredths, exactly; 0.5 between whole numbers."""
    values = torch.tensor([[0.125, 0.375, 0.625, 0.875, 0.5]], dtype=torch.float64)

    assert round_half_even(values, 2).tolist() == [[12, 38, 62, 88, 50]]
    assert round_half_even(values, 0).tolist() == [[0, 0, 1, 1, 0]]


def test_probabilities_are_computed_in_float64() -> None:
    """Around 48.5 hundredths float32 takes the step elsewhere; the form takes it where float64 does."""
    steps = (-0.0600180 + torch.arange(-200, 200, dtype=torch.float64) * 4e-9).float()
    logits = torch.stack([torch.zeros(400), steps], dim=1)
    exact, rough = (logits.to(kind).softmax(1)[:, 1] * 100 for kind in (torch.float64, torch.float32))

    seen = OUTPUTS["p-dec-2"](logits[:-1], logits[1:])

    assert seen.nonzero().flatten().tolist() == exact.round().diff().nonzero().flatten().tolist() != []
    assert not torch.equal(exact.round(), rough.double().round())


def test_equal_logits_are_ranked_by_index() -> None:
    """A tie is told in one order, so an unchanged classifier raises no alarm."""
    tied = torch.zeros(2, 6)

    assert not OUTPUTS["top-5"](tied, tied.clone()).any()


def test_more_is_never_less() -> None:
    """The longer list, the finer values, and the label beside its value see whatever the shorter form sees."""
    generator = torch.Generator().manual_seed(0)
    expected = 3 * torch.randn(400, 10, generator=generator)
    found = differences(expected, expected + 0.3 * torch.randn(400, 10, generator=generator))

    for weaker, stronger in (
        ("top-1", "top-3"),
        ("top-3", "top-5"),
        ("top-1", "label+p-dec2"),
        ("top-1-p-dec2", "label+p-dec2"),
        ("top-1-p-dec2", "p-dec-2"),
    ):
        assert not (found[weaker] & ~found[stronger]).any()
        assert found[stronger].sum() > found[weaker].sum()


def test_a_list_is_no_longer_than_the_classes() -> None:
    """Asking three classes for the first five labels is refused, and such forms are left out of what is recorded."""
    three = torch.zeros(1, 3)

    with pytest.raises(ValueError, match="the first 5 labels in order: needs at least 5 classes, got 3"):
        OUTPUTS["top-5"](three, three)
    assert set(differences(three, three)) == set(OUTPUTS) - {"top-5"}


def test_there_may_be_no_answers() -> None:
    """A pool without samples has no differences."""
    nothing = torch.zeros(0, 10)

    assert all(len(found) == 0 for found in differences(nothing, nothing).values())
