"""Lines of a table: how they are sorted and what distinguishes their suspects."""

from modelprint.bench.detection.table import Line


def line(settings: str = "", kind: str = "weight-noise", reference: str = "") -> Line:
    """Return a line about noise on weights."""
    return Line(row="Noise", kind=kind, settings=settings, reference=reference)


def test_lines_are_sorted_by_the_numbers_in_their_settings() -> None:
    """As text, 1e-05 would come after 0.001, and 10 before 2."""
    shares = [line("share=0.001"), line("share=1e-05"), line("share=10"), line("share=2")]

    assert [one.settings for one in sorted(shares, key=lambda one: one.order)] == [
        "share=1e-05",
        "share=0.001",
        "share=2",
        "share=10",
    ]


def test_a_digit_inside_a_name_is_no_number() -> None:
    """`top5` and `cifar10` are words."""
    assert line("network=resnet20, share=0.5").order[5] == [0.5]


def test_suspects_are_distinguished_by_kind_settings_and_reference() -> None:
    """As the tables print them."""
    assert line().made_by == "weight-noise"
    assert line("share=0.5").made_by == "weight-noise (share=0.5)"
    assert line(kind="bit-flip", reference="int8-weights").made_by == "bit-flip, against int8-weights"
