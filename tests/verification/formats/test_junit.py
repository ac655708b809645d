"""JUnit: what passes, fails and errs, in XML that can always be read."""

from collections.abc import Callable
from xml.etree import ElementTree

from modelprint.verification.formats.junit import render_junit
from modelprint.verification.verdict import Verdict

OUTCOMES = ("intact", "tampered", "inconclusive")


def test_each_outcome_has_its_element(make_verdict: Callable[[str], Verdict]) -> None:
    """Nothing, a failure, an error; the suite counts them."""
    suite = ElementTree.fromstring(render_junit("r20.mprint", {name: make_verdict(name) for name in OUTCOMES}))

    assert {key: suite.get(key) for key in ("name", "tests", "failures", "errors")} == {
        "name": "r20.mprint",
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    found = {case.get("name"): [child.tag for child in case][1:] for case in suite}
    assert found == {"intact": [], "tampered": ["failure"], "inconclusive": ["error"]}


def test_the_message_is_the_first_reason(make_verdict: Callable[[str], Verdict]) -> None:
    """And the text has all of them, with what no verdict can promise."""
    verdict = make_verdict("tampered")

    failure = ElementTree.fromstring(render_junit("f", {"m": verdict})).find("testcase/failure")

    assert failure is not None
    assert failure.get("message") == verdict.reasons[0]
    assert verdict.limits in str(failure.text)


def test_hostile_texts_stay_texts(make_verdict: Callable[[str], Verdict]) -> None:
    """Of a server, a file name or a model; characters that XML cannot hold are replaced."""
    name = "</testsuite>\x00\ud800"

    suite = ElementTree.fromstring(render_junit(name, {name: make_verdict("inconclusive")}))

    assert [case.tag for case in suite] == ["testcase"]
    assert suite.get("name") == "</testsuite>\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert "<script>" in str(suite.findtext("testcase/error"))


def test_properties_say_what_was_asked(make_verdict: Callable[[str], Verdict]) -> None:
    """With the digest of the fingerprint and the address."""
    verdict = make_verdict("intact")

    suite = ElementTree.fromstring(render_junit("f", {"m": verdict}))
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}

    assert properties["fingerprint"] == verdict.fingerprint
    assert properties["url"] == "https://api.example.org/<b>"
    assert properties["asked"] == str(verdict.asked)
