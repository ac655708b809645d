"""The orders of class names that other tools use, and which of them answers follow."""

import numpy as np

from modelprint.data.class_order import count_agreement, find_best_order, list_orders

NUMBERS = tuple(str(number) for number in range(1, 11))


def test_numbers_sort_as_text_elsewhere() -> None:
    """Torchvision has 10 after 1; each class of the data has the place of its name there."""
    places = list_orders(NUMBERS)["text order"]

    assert places == tuple(sorted(NUMBERS).index(name) for name in NUMBERS)
    assert "number order" not in list_orders(NUMBERS)


def test_the_order_of_the_data_is_not_listed() -> None:
    """Nor an order twice under two names; counting from 1 or -1 is always another one."""
    assert list_orders(("a", "b", "c")).keys() == {"counted from 1", "counted from -1"}
    assert list_orders(("a10", "a9", "b"))["natural order"] == (1, 0, 2)
    assert list_orders(("B", "a"))["text order without regard to upper case"] == (1, 0)
    assert list_orders(("2", "1", "10"))["number order"] == (1, 0, 2)


def test_a_class_without_a_place_agrees_with_nothing() -> None:
    """The last class has no place when counting begins one later."""
    labels, answers = np.array([0, 1, 2]), np.array([1, 2, 0])

    assert list_orders(("a", "b", "c"))["counted from 1"] == (1, 2, None)
    assert count_agreement((1, 2, None), labels, answers) == 2


def test_the_order_that_most_answers_follow_is_found() -> None:
    """A network trained on folders in text order is recognised; its order is shown by place."""
    labels = np.arange(10).repeat(3)
    answers = np.array(list_orders(NUMBERS)["text order"])[labels]

    best = find_best_order(NUMBERS, labels, answers)

    assert best is not None
    assert (best.name, best.agreed, best.names[:3]) == ("text order", 30, ("1", "10", "2"))


def test_names_of_any_length_are_ordered() -> None:
    """A name of thousands of digits is no number to be converted."""
    assert "text order" not in list_orders(("1" * 9000, "2"))
