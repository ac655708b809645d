import json
import random
from collections.abc import Callable

import numpy as np
import pytest

from modelprint.errors import EndpointError
from modelprint.oracles.endpoint import Endpoint
from modelprint.oracles.probing import ProbeReport, probe
from modelprint.oracles.requests import Caller
from modelprint.oracles.wire import Retry
from modelprint.pixels import Picture

CLASSES = ("cat", "dog", "owl")
Describing = Callable[..., Endpoint]


@pytest.fixture
def pictures() -> list[Picture]:
    """Three pictures, one per class: all 0, all 1, all 2."""
    return [Picture.of(np.full((1, 2, 2), level, dtype=np.uint8)) for level in range(3)]


def looked(endpoint: Endpoint, pictures: list[Picture], labels: list[int] | None = None) -> ProbeReport:
    """Probe without retries."""
    caller = Caller(limits=endpoint.wire.limits, retry=Retry(attempts=1))
    return probe(endpoint, pictures, CLASSES, labels=labels, caller=caller, rng=random.Random(0))


def test_a_good_endpoint_is_understood(described: Describing, stand_in: object, pictures: list[Picture]) -> None:
    """Labels are ours, the same picture gets the same answer, the server's hints are shown."""
    stand_in.says({"label": "cat"}, {"label": "dog"}, {"label": "owl"}, {"label": "cat"})

    report = looked(described(), pictures, [0, 1, 2])

    assert (report.reachable, report.asked, report.answered, report.understood) == (True, 3, 3, 3)
    assert report.vocabulary == ("cat", "dog", "owl")
    assert (report.repeatable, report.agreement, report.scores) == (True, 3, "none")
    assert report.proposed_labels is None
    assert report.server == {"server": ("uvicorn",)}
    assert 0 < report.latency_ms[0] <= report.latency_ms[1]
    assert report.problems == ()
    assert len(stand_in.seen) == 4
    assert "agreement      3 of 3" in report.summary()
    assert "repeatable     yes" in report.summary()


def test_the_agreement_to_expect_is_said(described: Describing, stand_in: object, pictures: list[Picture]) -> None:
    """All pictures with wide margins; of test images it depends on the model."""
    sure = {}
    for third in ("owl", "dog"):
        stand_in.says({"label": "cat"}, {"label": "dog"}, {"label": third}, {"label": "cat"})
        sure[third] = probe(described(), pictures, CLASSES, labels=[0, 1, 2], sure=True)
        stand_in.seen.clear()

    assert (sure["owl"].expected_agreement, sure["owl"].agreement) == (3, 3)
    assert "agreement      3 of 3 have the expected label, as they should" in sure["owl"].summary()
    assert "agreement      2 of 3 have the expected label; all should: check labels, colours" in sure["dog"].summary()


def test_foreign_labels_lead_to_a_proposal(described: Describing, stand_in: object, pictures: list[Picture]) -> None:
    """The map can be pasted into the description."""
    stand_in.says({"label": "Katze"}, {"label": 'n"02'}, {"label": 17}, {"label": "Katze"})

    report = looked(described(), pictures, [0, 1, 2])

    assert (report.answered, report.understood, report.agreement) == (3, 0, 0)
    assert report.proposed_labels == {"Katze": "cat", 'n"02': "dog", "17": "owl"}
    assert report.summary().endswith('labels:\n  "Katze": "cat"\n  "n\\"02": "dog"\n  "17": "owl"')
    assert json.loads(report.to_json())["proposed_labels"]["Katze"] == "cat"


def test_a_label_of_two_classes_is_not_proposed(
    described: Describing, stand_in: object, pictures: list[Picture]
) -> None:
    """An API that merges classes needs a person's eye."""
    stand_in.says({"label": "pet"}, {"label": "pet"}, {"label": "bird"}, {"label": "pet"})

    assert looked(described(), pictures, [0, 1, 2]).proposed_labels == {"bird": "owl"}


def test_answers_that_change_are_seen(described: Describing, stand_in: object, pictures: list[Picture]) -> None:
    """Two replicas behind one address."""
    stand_in.says({"label": "cat"}, {"label": "dog"}, {"label": "owl"}, {"label": "dog"})

    report = looked(described(), pictures)

    assert report.repeatable is False
    assert report.agreement is None
    assert "no: the answers differ" in report.summary()


@pytest.mark.parametrize(
    ("scores", "form", "ties"),
    [([0.1, 0.2, 0.7], "3 per answer, within 0 .. 1", 0), ([-3, 9, 9], "3 per answer, not bounded by 0 .. 1", 3)],
)
def test_the_form_of_scores_is_told(
    scores: list[float], form: str, ties: int, described: Describing, stand_in: object, pictures: list[Picture]
) -> None:
    """Probabilities or logits, and whether their printing ties them."""
    stand_in.says(scores)

    report = looked(described(response={"scores": "$"}), pictures)

    assert (report.scores, report.ties) == (form, ties)
    assert form in report.summary()


def test_trouble_is_part_of_the_report(described: Describing, stand_in: object, pictures: list[Picture]) -> None:
    """Each problem once; what could not be found out is unknown."""
    stand_in.sends(b"no such route", 404)

    report = looked(described(), pictures, [0, 1, 2])

    assert (report.reachable, report.answered, report.repeatable) == (True, 0, None)
    assert report.problems == ("HTTP 404: no such route",)
    assert report.proposed_labels is None
    assert len(stand_in.seen) == 3
    assert "repeatable     unknown" in report.summary()


def test_a_server_that_is_not_there_is_an_error(described: Describing, pictures: list[Picture]) -> None:
    """Port 9 of the loopback takes no connections."""
    with pytest.raises(EndpointError, match="the connection is refused; check"):
        looked(described(url="http://127.0.0.1:9/"), pictures)


def test_a_server_that_says_nothing_is_a_report(
    described: Describing, raw_server: object, pictures: list[Picture]
) -> None:
    """It closes every connection."""
    report = looked(described(url=raw_server(lambda connection: None)), pictures[:1])

    assert not report.reachable
    assert report.latency_ms == (0.0, 0.0)
    assert "reachable      no" in report.summary()


def test_many_problems_are_summarised(described: Describing, stand_in: object, pictures: list[Picture]) -> None:
    """All of them are in the JSON."""
    stand_in.says(*({"error": index} for index in range(9)))

    report = looked(described(), pictures * 3)

    assert len(report.problems) == 9
    assert report.summary().count("no values at $.label") == 5
    assert "problem        and 4 more" in report.summary()


PROPOSALS = [
    (["cat", "dog", "cat"], [0, 1, 2], None),  # one mistake
    (["dog"], [0], None),
    (["cat", "dog", "dog", "owl", "cat"], [0, 0, 1, 2, 2], None),
    (["cat", "dog", "owl", "owl", "dog"], [0, 1, 2, 1, 2], None),  # two mistakes
    (["dog", "owl", "cat"], [0, 1, 2], {"dog": "cat", "owl": "dog", "cat": "owl"}),
    (["cat", "owl", "dog", "owl", "dog"], [0, 1, 2, 1, 2], {"cat": "cat", "owl": "dog", "dog": "owl"}),
    ([1, 2, 3], [0, 1, 2], {"1": "cat", "2": "dog", "3": "owl"}),  # counted from 1
    (["cat", "dog", "bird"], [0, 1, 2], {"cat": "cat", "dog": "dog", "bird": "owl"}),
    (["cat", "cat", "bird"], [0, 1, 2], {"cat": "cat", "bird": "owl"}),  # a mistake beside a label that is unknown
    (["pet", "pet", "pet"], [0, 1, 2], None),
    (["cat", "dog", "owl"], [0, 1, 2], None),
]


@pytest.mark.parametrize(("said", "labels", "proposed"), PROPOSALS)
def test_a_map_is_proposed_for_unknown_labels_or_another_order(
    said: list[str | int],
    labels: list[int],
    proposed: dict[str, str] | None,
    described: Describing,
    stand_in: object,
    pictures: list[Picture],
) -> None:
    """A picture that the classifier gets wrong moves no label."""
    stand_in.says(*({"label": label} for label in said))

    report = looked(described(), [pictures[label] for label in labels], labels)

    assert report.proposed_labels == proposed


def test_a_probe_needs_pictures_and_matching_labels(described: Describing, pictures: list[Picture]) -> None:
    """Mistakes in a call are found before anything is sent."""
    with pytest.raises(ValueError, match="at least one picture"):
        looked(described(), [])
    with pytest.raises(ValueError, match="3 pictures but 1 expected labels"):
        looked(described(), pictures, [0])
    with pytest.raises(EndpointError, match="expected label 3 is no class"):
        looked(described(), pictures, [0, 1, 3])
