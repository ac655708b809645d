"""Plain words: the table of words in CONTRIBUTING.md holds in documents, plans and code, and the glossary is short."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

AREAS = {
    "documents": ("*.md", "docs/*.md", "docs/decisions/*.md"),
    "results": ("docs/results/*.md", "plans/**/*.toml"),
    "generated": ("docs/cli.md", "docs/methods/*.md"),
    "source": ("src/**/*.py", "src/**/*.toml", "src/**/templates/*"),
}
"""What is searched; a page that is made from docstrings and help texts belongs to "generated" alone."""

CHECKED = list(AREAS)
"""The areas of AREAS that have to be free of the words."""

ALLOWED = {
    '"told_by"': "a key of every sealed .mprint file of kind ownership",
    "`evidence.told_by`": "the same key, on the page about the format",
    "manc-bags": "the name of a selection in the reports of finished runs",
    "`bags`": "a key of older plans",
    "`learnt`": "a key of older plans",
    '"bags"': "a key of older plans, and of the record of a run",
    '"learnt"': "a key of older plans, and of the lines of ownership.jsonl",
    '"sights"': "a key of tradeoff.json",
    "learnt_unrelated": "a field of modelprint.ownership.Models",
    "learnt_copies": "a field of modelprint.ownership.Models",
}
"""Spellings that belong to a file format or a public name, with the reason."""

LISTS_OF_WORDS = {
    "CONTRIBUTING.md": r"\n## Words\n.*?(?=\n## )",
    "0007-what-moved.md": r"^\|.*?\|$",
}
"""The part of a page that has to name the words: the table of words, and the tables of old names."""


def read_table(page: Path, heading: str) -> list[tuple[str, str]]:
    """Return the first two cells of each row of the table below `heading`."""
    section = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", section, flags=re.MULTILINE)
    return [(first.strip(), second.strip()) for first, second in rows[1:] if set(first) != {"-"}]


WORDS = read_table(ROOT / "CONTRIBUTING.md", "Words")
TERMS = read_table(ROOT / "docs" / "concepts.md", "Terms")


def pattern_of(entry: str) -> str:
    """Return the regular expression of one entry of the table: forms between commas, `*` for any ending."""
    return "|".join(re.escape(form).replace(r"\*", r"\w*").replace(r"\ ", r"[\s#]+") for form in entry.split(", "))


PATTERN = re.compile(rf"\b(?:{'|'.join(pattern_of(entry) for entry, _ in WORDS)})\b", re.IGNORECASE)


def split_words(text: str) -> str:
    """Return `text` with identifiers split: `told_by` and `ToldBy` become two words each, on the same line."""
    for spelling in ALLOWED:
        text = text.replace(spelling, " ")
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", text)
    return text.replace("_", " ")


def find_banned(text: str) -> list[tuple[int, str]]:
    """Return line number and word of every banned word in `text`, also where a line ends inside it."""
    words = split_words(text)
    return [(words.count("\n", 0, found.start()) + 1, " ".join(found[0].split())) for found in PATTERN.finditer(words)]


def files_of(area: str) -> Iterator[Path]:
    """Yield the files of `area`."""
    generated = set() if area == "generated" else set(files_of("generated"))
    for pattern in AREAS[area]:
        yield from (path for path in sorted(ROOT.glob(pattern)) if path.is_file() and path not in generated)


def text_of(path: Path) -> str:
    """Return the text of `path`, with the lists of words themselves left empty."""
    listed = re.compile(LISTS_OF_WORDS.get(path.name, r"(?!)"), re.DOTALL | re.MULTILINE)
    return listed.sub(lambda found: "\n" * found[0].count("\n"), path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("area", CHECKED)
def test_no_word_of_the_table_is_used(area: str) -> None:
    """Each finding is a line that says where, and what to write instead."""
    paths = list(files_of(area))
    found = [f"{path.relative_to(ROOT)}:{line}: {word}" for path in paths for line, word in find_banned(text_of(path))]

    assert paths
    assert not found, "see CONTRIBUTING.md, Words:\n" + "\n".join(found)


@pytest.mark.parametrize("area", AREAS)
def test_every_area_has_files(area: str) -> None:
    """A folder that moves is noticed."""
    assert list(files_of(area))


@pytest.mark.parametrize(
    "spelling", ["told by labels", "told_other", "ToldBy", "# held\n    # against", "Anew", "Journeys"]
)
def test_a_banned_word_would_be_found(spelling: str) -> None:
    """In prose, in identifiers, over the end of a line, in capitals, with any ending where the table says so."""
    assert len(find_banned(f"one {spelling} two")) == 1


@pytest.mark.parametrize("spelling", ["untold", "retold", "bagshot", 'the key "told_by"', "manc-bags", "toldest"])
def test_other_words_are_left_alone(spelling: str) -> None:
    """A word inside a longer one is no finding, nor is a spelling of a file format."""
    assert find_banned(f"one {spelling} two") == []


@pytest.mark.parametrize("spelling", ALLOWED)
def test_every_allowed_spelling_is_needed(spelling: str) -> None:
    """It is used somewhere, and would be a finding otherwise."""
    assert PATTERN.search(spelling.replace("_", " "))
    assert any(spelling in path.read_text(encoding="utf-8") for area in AREAS for path in files_of(area))


def test_a_finding_names_its_line() -> None:
    """Lines are counted from 1, also behind identifiers that were split."""
    assert find_banned("one_two\nThreeFour\nnobody") == [(3, "nobody")]


def test_the_table_is_short_and_has_a_replacement_for_each_word() -> None:
    """20 to 40 entries, sorted, none twice."""
    entries = [entry for entry, _ in WORDS]

    assert 20 <= len(entries) <= 40
    assert entries == sorted(set(entries))
    assert all(replacement for _, replacement in WORDS)


@pytest.mark.parametrize("entry", [entry for entry, _ in WORDS])
def test_no_replacement_is_itself_banned(entry: str) -> None:
    """What the table proposes passes the test."""
    assert find_banned(dict(WORDS)[entry]) == []


def test_the_glossary_has_at_most_25_terms_of_one_sentence() -> None:
    """One name for one thing, in one sentence each."""
    terms = [term for term, _ in TERMS]

    assert 15 <= len(terms) <= 25
    assert len(set(terms)) == len(terms)
    assert all(re.fullmatch(r"[^.]+(\.mprint[^.]+)?\.", meaning) for _, meaning in TERMS)


@pytest.mark.parametrize("term", [term for term, _ in TERMS])
def test_every_term_of_the_glossary_is_used(term: str) -> None:
    """On at least two other pages, in the singular or the plural."""
    pages = [path for path in files_of("documents") if path.name != "concepts.md"]
    plural = term.removesuffix("y") + "ies" if term.endswith("y") else f"{term}s"
    used = re.compile(rf"\b(?:{term}|{plural})\b", re.IGNORECASE)

    assert sum(bool(used.search(page.read_text(encoding="utf-8"))) for page in pages) >= 2
