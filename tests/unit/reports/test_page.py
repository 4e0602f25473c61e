"""Pages hold everything they need, say what they show, and follow the reader's colours."""

import re
from html.parser import HTMLParser

import pytest

from es_hybrid.reports import (
    Bars,
    Changes,
    Dot,
    Grid,
    Lines,
    Number,
    Point,
    Report,
    Scatter,
    Table,
    Tile,
    fonts,
    page,
    ranged,
)
from es_hybrid.reports.fonts import writable

ROW = ["bm25 & <co>", Number(0.12345678, 3), ranged(0.5, 0.4, 0.6), Number(None), "words"]
BARS = {"x": [Point(1, 0, 2), Point(2)], "y": [Point(1)] * 2}
LINES = {"x": [0.1, None, 0.9]}
DOTS = [Dot(0, 0, 0, 'a <b> "#c"'), Dot(1, 5, 0, "second"), Dot(-2, 3, 1, "$third$")]
FIGURES = [
    Bars(
        "bars", "told of bars", ["a", "$b$"], {"x": [Point(1, 0, 2), Point(2)], "y": [Point(1)] * 2}
    ),
    Lines(
        "lines", "told of lines", "k", [1, 10, 100], {"x": [0.1, None, 0.9]}, "recall", 0.95, True
    ),
    Changes("changes", "told of changes", [0.5, -0.5, 0.0]),
    Scatter("map", "told of a map", DOTS, ["one", "two & co"]),
]


class Read(HTMLParser):
    """What a page holds: tags with their attributes, in order, and which are not closed."""

    VOID = ("meta", "path", "use", "line", "rect", "img")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.wrong = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.VOID and self.open.pop() != tag:
            self.wrong.append(tag)

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(scope="module")
def written():
    table = Table("table", ["mode", "a", "b", "c", "d"], [ROW], ["how to read it"])
    facts = [("index", "films"), ("queries", Number(1234))]
    return page(Report("title", facts, [table], FIGURES, ["a warning"]))


@pytest.fixture(scope="module")
def read(written):
    return Read(written)


def test_pictures_stand_in_the_page_itself_with_what_they_show():
    grid = Grid("found", [Tile("1 · 0.9", 'a "red" <road>', "/9j/4AAQ")])
    read = Read(page(Report("title", grids=[grid])))
    assert (read.wrong, read.open) == ([], [])
    (picture,) = read.all("img")
    assert picture == {"src": "data:image/jpeg;base64,/9j/4AAQ", "alt": 'a "red" <road>'}


def test_every_tag_is_closed_by_its_own(read):
    assert (read.wrong, read.open) == ([], [])


def test_nothing_comes_from_elsewhere(read):
    linked = [
        value
        for _, attributes in read.tags
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "action")
    ]
    assert all(value.startswith("#") for value in linked)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in read.tags}


def test_full_values_stand_behind_the_numbers_people_read(written):
    assert '<data value="0.12345678">0.123</data>' in written
    assert '<data value="0.5">0.500</data> [<data value="0.4">0.400</data>, ' in written
    assert '<data value="1234">1,234</data>' in written


def test_texts_are_escaped(written):
    assert "bm25 &amp; &lt;co&gt;" in written


@pytest.mark.parametrize("figure", FIGURES, ids=lambda one: one.title)
def test_each_figure_is_told_in_words(read, figure):
    assert {"class": "scroll", "role": "img", "aria-label": figure.told} in read.all("div")


def test_tables_say_what_their_heads_head(read):
    assert [one.get("scope") for one in read.all("th")] == ["col"] * 5 + ["row"]


def test_no_two_parts_of_a_page_have_one_name(read):
    names = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(names) == len(set(names))


def test_every_part_that_is_pointed_to_is_there(written):
    named = set(re.findall(r'\bid="([^"]+)"', written))
    pointed = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', written))
    assert {one or other for one, other in pointed} <= named


def test_drawings_take_their_colours_from_the_page(written):
    drawings = "".join(re.findall(r"<svg.*?</svg>", written, flags=re.DOTALL))
    assert re.findall(r"#[0-9a-f]{6}\b", drawings) == []
    used = set(re.findall(r"var\((--[\w-]+)\)", drawings))
    assert {"--text", "--faint", "--series-0", "--series-1"} <= used
    assert written.count("--series-1:") == 2  # light and dark


def test_labels_stay_text(written):
    assert re.search(r"<text[^>]*>\$b\$</text>", written)


def test_the_same_report_draws_the_same():
    assert FIGURES[0].svg() == FIGURES[0].svg()


def test_each_point_of_a_map_tells_what_it_is(read, written):
    assert len(read.all("circle")) == len(DOTS)
    assert "<title>a &lt;b&gt; &quot;&#35;c&quot;</title>" in written


def test_names_on_a_map_let_the_pointer_through_to_its_points(read):
    names = [text for text in read.all("text") if text.get("text-anchor") == "middle"]
    assert [text.get("pointer-events") for text in names][-2:] == ["none", "none"]


def test_a_font_that_came_after_matplotlib_had_listed_all_is_found(monkeypatch):
    from matplotlib import font_manager, get_data_path

    manager, file = font_manager.fontManager, f"{get_data_path()}/fonts/ttf/cmr10.ttf"
    old = [one for one in manager.ttflist if one.name != "cmr10"]
    monkeypatch.setattr(manager, "ttflist", old)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [file])
    monkeypatch.setattr(fonts, "_CJK", ("cmr10",))
    assert fonts.families.__wrapped__() == ("DejaVu Sans", "cmr10")


def test_letters_that_no_font_has_are_known():
    assert writable("ships, sea", ["DejaVu Sans"])
    assert not writable("벚꽃", ["DejaVu Sans"])


def test_a_name_that_cannot_be_written_is_no_hindrance_and_known():
    found = Scatter("map", "told", DOTS, ["\ue123", "ships"])
    assert found.png().startswith(b"\x89PNG")
    assert found.unwritten == ["\ue123"]


@pytest.mark.parametrize("dots", [DOTS, DOTS[:1], []])
def test_a_map_is_a_picture_as_well(dots):
    made = Scatter("map", "told of a map", dots, ["one", "two"])
    assert made.png().startswith(b"\x89PNG")
    assert made.svg().count("<circle") == len(dots)
