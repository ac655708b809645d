"""A report says what a run's folder says, to everyone, and runs or loads nothing."""

import json
import re
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modelprint.bench.detection.observation import Observation
from modelprint.bench.report import markdown, write_report
from modelprint.errors import BenchError

SEALED = Path(__file__).parents[1] / "golden" / "format-1.mprint"
"""Five samples, the second and fourth with a source."""

EVIL = '<script>alert("x")</script> | `a` [b](javascript:c) *d*'

SECTIONS = {
    "Setup",
    "Detection rates",
    "Rows that differ from the paper by more than 15 points",
    "Methods beside each other",
    "Detection against the number of samples",
    "Detection against the distance moved",
    "Suspects that missed their goal",
    "False alarms",
    "Ceiling at more samples",
    "Samples",
    "How long each part took",
    "Problems",
}


def observed(mismatches: int, row: str = "Unlearning", kind: str = "unlearning", **others: Any) -> Observation:
    """Return an observation of ten samples of which the first `mismatches` differ."""
    plain: dict[str, Any] = {
        "plan": "table1-cifar10",
        "scale": "smoke",
        "target": "cifar10-resnet20",
        "seed": 1,
        "settings": {"learning_rate": 1e-4},
        "batch_norm": "",
        "control": False,
        "goal": "",
        "goal_value": None,
        "goal_reached": True,
        "steps": 10,
        "notes": "",
        "movement": {
            "parameters": 2e-5,
            "buffers": 0.0,
            "logit_rms": 0.25,
            "labels_changed": 0.0123,
            "accuracy_before": 0.9173,
            "accuracy_after": 0.9151,
        },
        "fingerprint": "misentry",
        "method": "misentry",
        "form": "8-bit",
        "samples": 10,
    }
    filled = plain | others
    key = f"{row} {kind} {filled['seed']} {filled['fingerprint']}"
    bits = "1" * mismatches + "0" * (filled["samples"] - mismatches)
    return Observation(key=key, row=row, kind=kind, mismatched=bits, **filled)


RUN = (
    observed(8, orders={"greedy": [9, 0, *range(1, 9)], "manc": [0, 1]}),
    observed(6, seed=2, orders={"greedy": [9, 0, *range(1, 9)], "manc": [0, 1]}),
    observed(10, seed=3, goal_reached=False, goal="label changes", goal_value=0.97, notes="gave up"),
    observed(1, fingerprint="natural", method="natural"),
    observed(2, "Pruning", "prune-20"),
    observed(5, "Sign flip", "flip-sign"),
    observed(1, "Control", "control-folded", control=True),
    observed(0, "Control", "none", control=True),
)


def record(**others: Any) -> dict[str, Any]:
    """Return what a run says about itself; what is about detection is put where it belongs."""
    made = {
        "method": "misentry",
        "form": "8-bit",
        "samples": 10,
        "crafted": 12,
        "kept": 10,
        "lost_rounding": 2,
        "settings": {"steps": 9},
    }
    plain: dict[str, Any] = {
        "plan": "table1-cifar10",
        "title": "Table 1, CIFAR-10",
        "scale": "smoke",
        "seed": 7,
        "command": "modelprint bench run plans/table1_cifar10.toml --scale smoke",
        "target": {"name": "cifar10-resnet20", "network": "resnet20", "data": "cifar10", "accuracy": 0.9173},
        "planned": 9,
        "fingerprints": {
            "natural": {"method": "natural", "samples": 10},
            "misentry": made | {"median_l2": 1.5, "floor": 3e-6, "file": "samples/misentry.mprint"},
        },
        "problems": ["suspect trojan, seed 2: its worker died twice"],
        "versions": {"modelprint": "0.1.0"},
        "created": "2026-01-31T12:00:00Z",
    }
    content = plain | others
    about = {name: content.pop(name) for name in ("fingerprints", "outputs", "ns") if name in content}
    return {"version": 1, **content, "studies": {"detection": about}}


Write = Callable[..., Path]


def write_run(folder: Path, observations: Iterable[Observation] = RUN, **others: Any) -> Path:
    """Write the folder of a run, and return it."""
    (folder / "samples").mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(record(**others)))
    (folder / "observations.jsonl").write_text("".join(one.to_line() for one in observations))
    jobs = [("suspect unlearning, seed 1", 90.0), ("suspect unlearning, seed 2", 30.0), ("fingerprint natural", 1.5)]
    lines = [json.dumps({"key": name, "label": name, "seconds": took}) + "\n" for name, took in jobs]
    (folder / "timings.jsonl").write_text("".join(lines))
    shutil.copy(SEALED, folder / "samples" / "misentry.mprint")
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes the folder of a run and returns it."""
    return partial(write_run, tmp_path / "run")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of the usual run, for tests that only look at it."""
    folder = tmp_path_factory.mktemp("usual")
    return write_report(write_run(folder / "run"), folder)[1]


class Page(HTMLParser):
    """Collects elements, headings and rows of cells; complains about tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.headings: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"img", "meta"}:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += " ".join(data.split()) + (" " if self.open[-1] == "span" else "")
        elif self.open and self.open[-1] == "h2":
            self.headings.append(data)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element called `tag`."""
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(folder: Path) -> str:
    """Return the page of a run."""
    return write_report(folder, folder.parent / "out")[1].read_text()


def part_of(text: str, title: str) -> str:
    """Return the section of a Markdown text that is called `title`."""
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows_of(text: str) -> dict[str, list[str]]:
    """Return the rows of all tables of a Markdown text by their first two cells."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {" / ".join(cells[:2]): cells[2:] for cells in rows}


def test_both_forms_are_written(write: Write) -> None:
    """Into a folder that need not exist."""
    run = write()

    written = write_report(run, run.parent / "new" / "folder")

    assert [path.name for path in written] == ["report.md", "report.html"]
    assert written[0].read_text() == markdown(run)


def test_the_setup_comes_first(write: Write) -> None:
    """What ran, with which command, on what: numbers mean nothing without it."""
    text = markdown(write())

    assert re.findall("^## (.*)", text, re.MULTILINE)[:2] == ["Setup", "Detection rates"]
    assert "    modelprint bench run plans/table1_cifar10.toml --scale smoke\n" in text
    for fact in ("**scale**: smoke", "**seed**: 7", "**network**: resnet20", "**test accuracy**: 91.73 %"):
        assert f"- {fact}\n" in text
    assert "\nSettings of misentry: steps 9.\n" in text
    assert "- **suspects**: 7 on 5 lines; 6 reached their goal\n" in text
    assert "- **observations**: 8 of 9 planned\n" in text
    assert rows_of(part_of(text, "Setup"))["misentry / misentry"][:7] == ["8-bit", "-", "10", "12", "2", "-", "10"]


def test_rows_come_in_the_order_of_the_plan(write: Write) -> None:
    """The copy of the plan in the folder says it; without one, or with a damaged one, the paper does."""
    run = write()
    before = rows_of(part_of(markdown(run), "Detection rates"))
    (run / "plan.toml").write_text('[[suspects]]\nrow = "Sign flip"\n[[suspects]]\nrow = "Pruning"\n')

    after = rows_of(part_of(markdown(run), "Detection rates"))

    assert list(before)[1:] == ["Unlearning / unlearning", "Pruning / prune-20", "Sign flip / flip-sign"]
    assert list(after)[1:] == ["Sign flip / flip-sign", "Pruning / prune-20", "Unlearning / unlearning"]
    (run / "plan.toml").write_text("suspects = [3")
    assert rows_of(part_of(markdown(run), "Detection rates")) == before


def test_rates_stand_beside_the_papers(write: Write) -> None:
    """0.7 with one sample; 0.2 is far from the paper's 89.5; the goal that was missed is not counted."""
    rows = rows_of(part_of(markdown(write()), "Detection rates"))

    unlearning = rows["Unlearning / unlearning"]
    assert unlearning[:2] == ["-", "**2 of 3**"]
    assert unlearning[2].startswith("10.0 (0 to")
    assert unlearning[4].startswith("70.0 (")
    assert unlearning[-2:] == ["68.4", "99.8"]
    assert rows["Pruning / prune-20"][4].startswith("**20.0** (")
    assert rows["Sign flip / flip-sign"][-2:] == ["-", "-"]


def test_rows_that_are_far_have_a_place_for_the_reason(write: Write) -> None:
    """Empty until somebody says it in the file of remarks, which a second report leaves as it is."""
    run = write()
    before = markdown(run)
    (run / "remarks.toml").write_text('"Pruning" = """\nNo fine-tuning.\n\nAnd little else.\n"""\n')

    after = markdown(run)

    assert "**Pruning**\n\n- prune-20: misentry 20.0 against 89.5 (-69.5)\n\n*No explanation yet.*\n" in before
    assert "against 89.5 (-69.5)\n\nNo fine-tuning.\n\nAnd little else.\n" in after
    assert "No explanation yet" not in after


def test_rows_of_ours_are_told_from_the_papers(write: Write) -> None:
    """Nothing is expected of them; a slip in the name of a row shows here."""
    assert "Rows that the paper does not have: Sign flip.\n" in markdown(write())


def test_remarks_can_lie_elsewhere(write: Write, tmp_path: Path) -> None:
    """With the documents, so that results stay generated files; one about a row that is not there is reported."""
    remarks = tmp_path / "why.toml"
    remarks.write_text('Pruning = "Because."\nUnlearning = "Within 15 points, but."\nPrunning = "A slip."\n')

    text = markdown(write(), remarks)

    assert "Because." in text
    assert "**Unlearning**\n\n- within 15 points\n\nWithin 15 points, but.\n" in text
    assert "- a remark is about 'Prunning', a row that was not observed\n" in text


@pytest.mark.parametrize("remarks", ["Pruning = ", "Pruning = 3", None])
def test_remarks_that_cannot_be_read_are_refused(write: Write, tmp_path: Path, remarks: str | None) -> None:
    """No TOML, no text, no file: the reader of a report would miss them."""
    path = tmp_path / "why.toml"
    if remarks is not None:
        path.write_text(remarks)

    with pytest.raises(BenchError, match=r"why\.toml"):
        markdown(write(), path)


def test_suspects_that_missed_their_goal_are_listed(write: Write) -> None:
    """With what they should have reached and what they did."""
    text = markdown(write())

    assert "1 of 7 suspects missed their goal." in text
    assert "| Unlearning | unlearning | 3 | label changes | 0.97 | 10 | gave up |\n" in text


def test_distances_are_means_over_what_reached_its_goal(write: Write) -> None:
    """Weights, buffers, logits, labels, accuracy, steps, goal."""
    rows = rows_of(part_of(markdown(write()), "Detection against the distance moved"))

    moved = ["-", "2.0e-05", "0", "0.25", "1.23", "91.73", "91.51", "10", "label changes", "**2 of 3**"]
    assert rows["Unlearning / unlearning"] == moved


def test_selections_are_compared(write: Write) -> None:
    """Greedy asks the tenth sample first, which sees nothing; two samples see both suspects."""
    rows = rows_of(part_of(markdown(write()), "Detection against the number of samples"))

    assert rows["misentry / greedy"][0] == "0.0"
    assert rows["misentry / manc"] == ["100.0", "-", "-"]
    assert rows["natural / random"] == ["10.0", "50.0", "100.0"]


def test_the_best_of_a_row_is_bold(write: Write) -> None:
    """In both forms; rates in floats stand in brackets in the Markdown and in small print on the page."""
    found = [
        observed(mismatches, fingerprint=name, method="ssf", form="float" if name.endswith("-float") else "8-bit")
        for name, mismatches in (("a", 3), ("a-float", 9), ("b", 1), ("b-float", 2))
    ]
    run = write(found, fingerprints={name: {} for name in ("a", "a-float", "b", "b-float")})

    text, page = part_of(markdown(run), "Methods beside each other"), page_of(run)

    assert rows_of(text)["Unlearning / unlearning"] == ["-", "**91.7** (**100.0**)", "50.0 (77.8)"]
    assert "| Unlearning | unlearning | - | **30.0** (**90.0**) | 10.0 (20.0) |\n" in text
    assert 'strong word" style="--rate: 0.300">30.0<small class="strong">90.0</small>' in page


def test_many_methods_are_compared_and_the_wide_table_is_folded(write: Write) -> None:
    """It is on the page, closed; the Markdown links to its data only."""
    names = [f"method-{letter}" for letter in "abcdefghi"]
    run = write([observed(3, fingerprint=name) for name in names], fingerprints={name: {} for name in names})

    text = markdown(run)

    assert "|" not in part_of(text, "Detection rates")
    assert "Data: [report/rates.csv](report/rates.csv)." in part_of(text, "Detection rates")
    assert "| method-a | method-b |" in part_of(text, "Methods beside each other")
    assert "95 % intervals" in page_of(run)


def test_forms_of_answers_and_settings_have_sections_where_a_plan_asks_for_them(write: Write) -> None:
    """The usual run has neither; numbers of samples are those of the plan."""
    shares = [
        observed(n, "Noise", "weight-noise", seed=n, settings={"share": n / 10}, outputs={"top-3": "1" * 10})
        for n in (1, 2, 3)
    ]
    subsets = {"misentry": {"random_subsets": ["0 9", "9 8"]}}
    run = write(shares, outputs=["top-3", "top-9"], ns=[2], fingerprints=subsets)

    text, page = markdown(run), Page(page_of(run))

    assert {"Detection by output form", "Detection against a setting"} <= set(page.headings)
    assert len(page.attributes("svg")) == 4
    assert "| misentry | 2 | 20.0 | 37.8 | 53.3 |\n" in part_of(text, "Detection against a setting")
    rows = [line for line in part_of(text, "Detection by output form").splitlines() if "manc-bags" in line]
    assert [row.split(" | ")[2] for row in rows] == ["2", "2", "2"]


def test_false_alarms_are_counted_with_a_bound(write: Write) -> None:
    """One of 20 answers: at most 21.6 % with 95 % confidence."""
    rows = rows_of(part_of(markdown(write()), "False alarms"))

    assert rows["misentry / 2"] == ["20", "1", "**21.61**"]


def test_ceilings_are_checked_on_both_sides(write: Write) -> None:
    """Ours never exceed them; fifteen cells of the paper do."""
    text = part_of(markdown(write()), "Ceiling at more samples")

    assert "Ours: 0 of 12 rates" in text
    assert "12 of 23 of PublicCheck's, 3 of 23 of MiSentry's are above" in text


def test_times_and_problems_are_told(write: Write) -> None:
    """Seeds of one kind together; trouble of the run, and damaged lines."""
    run = write()
    with (run / "observations.jsonl").open("a") as file:
        file.write("{broken\n")
    with (run / "timings.jsonl").open("a") as file:
        file.write('{"key": "x", "label": "y", "seconds": NaN}\n')

    text = markdown(run)

    assert "| suspect | 2 | 2.0 min | 1.0 min |\n" in text
    assert "| fingerprint | 1 | 1.5 s | 1.5 s |\n" in text
    told = part_of(text, "Problems")
    for problem in ("its worker died twice", "observations.jsonl, line 9: ", "timings.jsonl, line 4: not a timing"):
        assert problem in told
    assert str(run) not in text


def test_every_section_is_on_the_page(written: Path) -> None:
    """In the same order as in the Markdown, each with a link that leads to it."""
    page = Page(written.read_text())

    assert set(page.headings) == SECTIONS
    links = [(link["href"] or "").removeprefix("#") for link in page.attributes("a")]
    assert links == [section["id"] for section in page.attributes("section")]


def test_the_page_has_figures_and_samples(written: Path) -> None:
    """Three drawings with a description, five samples and two sources."""
    page = Page(written.read_text())

    described = [element for element in page.attributes("div") if element.get("role") == "img"]
    assert len(page.attributes("svg")) == len(described) == 3
    assert all(element["aria-label"] for element in described)
    images = page.attributes("img")
    assert len(images) == 7
    assert all((image["src"] or "").startswith("data:image/png;base64,iVBOR") and image["alt"] for image in images)


def test_cells_are_coloured_by_their_rate_and_marked_when_far(written: Path) -> None:
    """A colour and a frame for those who see them, words for those who do not."""
    page = Page(written.read_text())

    cells = [cell for cell in page.attributes("td") if "heat" in (cell.get("class") or "")]
    assert {"--rate: 0.700", "--rate: 0.684"} <= {cell["style"] for cell in cells}
    row = next(row for row in page.rows if row[:2] == ["Pruning", "prune-20"])
    assert row[6].startswith("marked: 20.0")


def test_every_table_has_headings(written: Path) -> None:
    """A screen reader can say where each cell belongs, and in which language."""
    page = Page(written.read_text())

    assert {header.get("scope") for header in page.attributes("th")} == {"col", "row"}
    assert len(page.attributes("caption")) == len(page.attributes("table"))
    assert page.attributes("html") == [{"lang": "en"}]


def test_the_page_loads_and_runs_nothing(written: Path) -> None:
    """No script, no style sheet, no address; and a policy that forbids them, should some text get through."""
    text = written.read_text()

    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in Page(text).elements}
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    assert "@media (prefers-color-scheme: dark)" in text


def evil_run(write: Write) -> Path:
    """Return a run in which every text is hostile."""
    names = {"row": EVIL, "kind": EVIL, "fingerprint": EVIL, "notes": EVIL, "goal": EVIL, "batch_norm": EVIL}
    suspects = [observed(3, **names), observed(3, seed=2, goal_reached=False, **names)]
    made = {"method": EVIL, "file": "samples/misentry.mprint", "settings": {EVIL: [EVIL]}}
    told = {"title": EVIL, "command": EVIL, "problems": [EVIL], "versions": {EVIL: EVIL}, "scale": EVIL}
    run = write(suspects, fingerprints={EVIL: made}, target={"name": EVIL, EVIL: EVIL}, **told)
    (run / "timings.jsonl").write_text(json.dumps({"label": EVIL, "seconds": 3}) + "\n")
    (run / "remarks.toml").write_text(f"{json.dumps(EVIL)} = {json.dumps(EVIL)}\n")
    return run


def test_what_files_say_is_shown_as_text(write: Write) -> None:
    """Rows, kinds, names, notes, titles, commands, problems and remarks cannot become markup."""
    run = evil_run(write)

    text, page = markdown(run), page_of(run)

    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 20
    written = re.sub("^    .*", "", text, flags=re.MULTILINE)  # in a block of code nothing is markup
    assert "<script" not in written
    own = r"`modelprint bench report`|\[report/[a-z0-9-]+\.csv\]"
    assert not re.search(r"(?<!\\)[`\[]", re.sub(own, "", written))
    tables = [part.splitlines() for part in re.findall(r"(?:^\|.*\n)+", written, re.MULTILINE)]
    widths = [{len(re.findall(r"(?<!\\)\|", line)) for line in table} for table in tables]
    assert tables
    assert all(len(width) == 1 for width in widths)


def test_a_fingerprint_outside_the_folder_is_not_opened(write: Write) -> None:
    """A record comes with the folder, from wherever that comes."""
    run = write(fingerprints={"misentry": {"file": "../../somewhere.mprint"}})

    assert "../../somewhere.mprint lies outside the folder and was not opened" in markdown(run)


def test_fingerprints_that_cannot_be_read_are_a_problem(write: Write) -> None:
    """Missing or damaged: the rest of the report stands."""
    run = write(fingerprints={"a": {"file": "samples/missing.mprint"}, "b": {"file": "samples/misentry.mprint"}})
    (run / "samples" / "misentry.mprint").write_bytes(b"PK damaged")

    told = part_of(markdown(run), "Problems")

    assert "fingerprint a: " in told
    assert "fingerprint b: " in told


@pytest.mark.parametrize(
    "observations",
    [
        pytest.param((), id="nothing observed"),
        pytest.param((observed(3),), id="one model"),
        pytest.param((observed(3, goal_reached=False),), id="all goals missed"),
        pytest.param((observed(1, samples=2),), id="fewer samples than asked"),
        pytest.param((observed(0, samples=0),), id="no samples"),
        pytest.param((observed(3, movement={}),), id="nothing measured"),
        pytest.param((observed(0, movement={"logit_rms": 0.0}),), id="nothing moved"),
        pytest.param((observed(0, "Control", "none", control=True),), id="controls only"),
        pytest.param((observed(3, fingerprint="unplanned"),), id="unknown fingerprint"),
    ],
)
def test_whatever_there_is_can_be_reported(write: Write, observations: tuple[Observation, ...]) -> None:
    """A run that has just begun, or went wrong, shows what it has."""
    run = write(observations)

    assert set(Page(page_of(run)).headings) == SECTIONS
    assert {f"## {title}" for title in SECTIONS - {"Samples"}} <= set(markdown(run).splitlines())


def test_a_record_alone_is_enough(tmp_path: Path) -> None:
    """Nothing else was written yet."""
    (tmp_path / "record.json").write_text('{"version": 1, "plan": "tiny", "scale": "smoke"}')

    assert set(Page(page_of(tmp_path)).headings) == SECTIONS


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"target": []}, r"record\.json is damaged: target"),
        ({"plan": 3}, r"record\.json is damaged: plan: Input should be a valid string"),
        (
            {"ns": [2, "x"]},
            r"the record of the run is damaged: studies\.detection\.ns\.1: Input should be a valid integer",
        ),
        ({"ns": [-1]}, r"studies\.detection\.ns\.0: Input should be greater than or equal to 1"),
        ({"fingerprints": "x"}, r"studies\.detection\.fingerprints: "),
        (
            {"fingerprints": {"a": {"random_subsets": ["0 9", "x"]}}},
            r"fingerprints\.a\.random_subsets\.1: String should match",
        ),
        ({"version": 2}, r"record\.json is damaged: it has version 2 and this program reads version 1; use a newer"),
    ],
)
def test_a_damaged_record_is_refused(write: Write, others: dict[str, Any], said: str) -> None:
    """The first entry that is wrong is named."""
    run = write()
    content = record(**others) | ({"version": 2} if "version" in others else {})
    (run / "record.json").write_text(json.dumps(content))

    with pytest.raises(BenchError, match=said):
        markdown(run)


@pytest.mark.parametrize("content", [None, "", "[]", "{", "{}"])
def test_another_folder_is_refused(tmp_path: Path, content: str | None) -> None:
    """Without a record nothing says what the numbers are about."""
    if content is not None:
        (tmp_path / "record.json").write_text(content)

    with pytest.raises(BenchError, match=r"record\.json"):
        markdown(tmp_path)


def test_a_target_that_the_paper_does_not_have_stands_alone(write: Write) -> None:
    """No column, no comparison."""
    text = markdown(write(plan="smoke", target={"data": "digits"}))

    assert "paper:" not in part_of(text, "Detection rates")
    assert "The paper has no table about this target." in text


def test_a_report_is_repeatable(write: Write, written: Path) -> None:
    """The same files in another folder give the same bytes."""
    assert page_of(write()) == written.read_text()


Screenshot = Callable[..., tuple[Image.Image, list[str]]]


@pytest.mark.browser
@pytest.mark.parametrize("make", [lambda write: write(), evil_run], ids=["plain", "hostile"])
def test_a_browser_shows_the_page_without_complaint(
    write: Write, screenshot: Screenshot, make: Callable[[Write], Path]
) -> None:
    """Nothing is blocked, nothing fails, and there is something to see: text, tables and drawings in many shades."""
    run = make(write)

    picture, complaints = screenshot(write_report(run, run.parent / "out")[1])

    assert complaints == []
    assert picture.size == (1280, 2000)
    colours = picture.getcolors(maxcolors=1 << 24)
    assert colours is not None
    assert len(colours) > 100
    assert max(count for count, _ in colours) < 0.95 * picture.width * picture.height


@pytest.mark.browser
def test_a_narrow_screen_does_not_scroll_sideways(written: Path, screenshot: Screenshot) -> None:
    """Wide tables scroll in their own frames: the right edge of the page stays empty."""
    picture, _ = screenshot(written, width=600, height=3000)

    edge = picture.crop((595, 0, 600, 3000)).getcolors()
    assert edge is not None
    assert len(edge) == 1
