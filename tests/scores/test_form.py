"""The form of scores is found from the answers alone."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from modelprint.oracles.oracle import Answer
from modelprint.scores.form import ScoreForm, find_form
from modelprint.scores.printed import Printed, read_printed

Pictures = list[list[float]]
Printer = Callable[..., Printed]


def float32_text(value: float) -> str:
    """Write as float32 whose digits are those of the float64 it is turned into."""
    return repr(float(np.float32(round(value, 3))))


def cut(value: float) -> str:
    """Write with four decimals, the others cut off."""
    return f"{math.floor(value * 1e4) / 1e4:.4f}"


WRITERS: list[tuple[Callable[[float], str], str]] = [
    (lambda value: f"{value:.2f}", "probabilities of all 10 classes with 2 decimals"),
    (lambda value: f"{value:.4f}", "probabilities of all 10 classes with 4 decimals"),
    (lambda value: repr(round(value, 6)), "probabilities of all 10 classes with 6 decimals"),
    (float32_text, "probabilities of all 10 classes with 3 decimals"),
    (lambda value: f"{value:.3g}", "probabilities of all 10 classes with 3 significant digits"),
    (repr, "probabilities of all 10 classes with all digits of float64"),
    (lambda value: repr(float(np.float16(value))), "probabilities of all 10 classes with all digits of float16"),
    (cut, "probabilities of all 10 classes with 4 decimals, cut off instead of rounded"),
]


@pytest.mark.parametrize(("write", "said"), WRITERS)
def test_rounding_is_found(write: Callable[[float], str], said: str, pictures: Pictures, printed: Printer) -> None:
    """Fixed decimals, significant digits, floats of each kind, and digits that are cut off."""
    form = find_form([printed(logits, write) for logits in pictures], 10)

    assert form is not None
    assert form.describe(10) == said


@pytest.mark.parametrize(
    ("scale", "listed", "said"),
    [
        ("logits", None, "logits of all 10 classes with all digits of float64"),
        ("logits", 3, "logits of up to 3 of 10 classes with all digits of float64"),
        ("percent", None, "percent of all 10 classes with all digits of float64"),
        ("percent", 3, "percent of up to 3 of 10 classes with all digits of float64"),
        ("probabilities", 5, "probabilities of up to 5 of 10 classes with all digits of float64"),
        ("probabilities", 1, "probabilities of up to 1 of 10 classes with all digits of float64"),
    ],
)
def test_scale_and_length_are_found(
    scale: str, listed: int | None, said: str, pictures: Pictures, printed: Printer
) -> None:
    """Probabilities, percent and logits, of all classes or of the first few."""
    form = find_form([printed(logits, scale=scale, listed=listed) for logits in pictures], 10)

    assert form is not None
    assert form.describe(10) == said


def test_scores_that_add_up_to_nothing_have_an_order_only() -> None:
    """As those of one sigmoid for each class."""
    answers = [Answer(label=0, ranking=((0, 0.9), (1, 0.8), (2, 0.3))), Answer(label=0, ranking=((0, 0.7), (2, 0.1)))]
    form = find_form([one for answer in answers if (one := read_printed(answer, 3)) is not None], 3)

    assert form is not None
    assert form.scale == "unknown"
    assert "only the order" in form.describe(3)


def test_a_class_that_never_has_a_score_is_named(pictures: Pictures, printed: Printer) -> None:
    """A server that leaves one class out always lists the same others."""
    answers = []
    for logits in pictures:
        whole = printed(logits)
        left = whole.classes != 4
        answers.append(
            Printed(
                classes=whole.classes[left],
                values=whole.values[left],
                decimals=whole.decimals[left],
                bits=whole.bits[left],
                total=float(whole.values[left].sum()),
                count=9,
                complete=False,
            )
        )
    form = find_form(answers, 10)

    assert form is not None
    assert (form.missing, form.listed, form.scale) == ((4,), 9, "probabilities")


def test_without_scores_there_is_no_form() -> None:
    """An endpoint may answer labels alone."""
    assert find_form([], 10) is None


def test_zeros_that_were_left_out_make_no_score_more_exact() -> None:
    """0.1 beside 0.1001 has four decimals, and 1.25e-05 beside both was printed with significant digits."""
    form = ScoreForm(scale="probabilities", decimals={-1: 4, -5: 7})

    below, above = form.widths(np.array([0.1, 2e-5, 0.0]))

    assert below == pytest.approx([5e-5, 5e-8, 5e-8], rel=1e-6)
    assert above == pytest.approx([5e-5, 5e-8, 5e-8], rel=1e-6)


def test_every_number_lies_within_the_widths_of_its_print(pictures: Pictures, printed: Printer) -> None:
    """Whatever the writer: rounding is never believed to be finer than it was."""
    for write, said in WRITERS:
        answers = [printed(logits, write) for logits in pictures]
        form = find_form(answers, 10)
        assert form is not None
        for logits, one in zip(pictures, answers, strict=True):
            shares = np.exp(np.array(logits) - max(logits))
            exact = (shares / shares.sum())[one.classes]
            below, above = form.widths(one.values)
            assert (one.values - below <= exact + 1e-15).all(), said
            assert (exact <= one.values + above + 1e-15).all(), said
