"""Text, Markdown and HTML files: what is their title, what is their text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

_TITLE_LENGTH = 120  # a longer first line is no title

_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$")
_FRONT_MATTER = re.compile(
    r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
_KEY_VALUE = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(?:[ \t]+(.*?))?[ \t]*")

# Values that YAML reads as something else than the text that stands there.
_NOT_PLAIN = tuple("[]{}&*!|>%@`,?-#")

_SKIPPED = frozenset({"script", "style", "template", "noscript", "svg", "nav"})
_NEVER_SHOWN = frozenset({"script", "style", "template"})
_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "br", "dd", "div", "dl", "dt"),
        *("figcaption", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li"),
        *("main", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul"),
    )
)


@dataclass(frozen=True, slots=True)
class Page:
    """What a file says.

    Attributes:
        title: empty where it has none.
        text: without markup where the file is HTML.
        fields: further fields, of the front matter.
    """

    title: str
    text: str
    fields: Mapping[str, str] = field(default_factory=dict)


def plain(text: str) -> Page:
    r"""A text file; its first line is the title if it is short.

    >>> plain("Tea\n\na hot drink").title
    'Tea'
    """
    first = text.strip().partition("\n")[0].strip()
    return Page(first if len(first) <= _TITLE_LENGTH else "", text)


def markdown(text: str) -> Page:
    r"""A Markdown file; the text keeps its marks, which neither BM25 nor embedders mind.

    Front matter becomes fields if each of its lines is a plain ``key: value``; otherwise it
    stays in the text, so that nothing is lost.

    >>> markdown("---\nlang: en\n---\n# Tea\nhot")
    Page(title='Tea', text='# Tea\nhot', fields={'lang': 'en'})
    """
    fields: dict[str, str] = {}
    if found := _FRONT_MATTER.match(text):
        fields = _key_values(found[1])
        text = text[found.end() :] if fields else text
    title = fields.pop("title", "") or _first_heading(text)
    return Page(title, text, fields)


def _key_values(block: str) -> dict[str, str]:
    """Empty if one line is more than a key and a plain value."""
    pairs: dict[str, str] = {}
    for line in filter(str.strip, block.splitlines()):
        found = _KEY_VALUE.fullmatch(line)
        if not found or (found[2] or "").startswith(_NOT_PLAIN):
            return {}
        if value := _unquoted(found[2] or ""):
            pairs[found[1]] = value
    return pairs


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _first_heading(text: str) -> str:
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (found := _HEADING.match(line)):
            return found[1]
    return ""


def html(text: str) -> Page:
    """An HTML file without scripts, styles and navigation.

    >>> html("<title>Tea</title><nav>Home</nav><p>a <b>hot</b> drink")
    Page(title='Tea', text='a hot drink', fields={})
    """
    reader = _read(text, _SKIPPED)
    if reader.skipping:  # an element that is never closed would take the rest of the page
        reader = _read(text, _NEVER_SHOWN)
    title, heading, body = map(_lines, (reader.title, reader.heading, reader.body))
    return Page(" ".join((title or heading).split()), body)


def _read(text: str, skipped: frozenset[str]) -> _Reader:
    reader = _Reader(skipped)
    reader.feed(text)
    reader.close()
    return reader


class _Reader(HTMLParser):
    """Collects the words of a page: its title, its first h1, and all that is shown."""

    def __init__(self, skipped: frozenset[str]) -> None:
        super().__init__()
        self.skipped = skipped
        self.skipping: list[str] = []
        self.inside: str | None = None  # title or h1
        self.preformatted = False
        self.title: list[str] = []
        self.heading: list[str] = []
        self.body: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the base's
        if tag in self.skipped:
            self.skipping.append(tag)
        if self.skipping:
            return
        if tag in _BLOCKS:
            self.inside = None  # whatever was left open
            self.body.append("\n")
        self.preformatted |= tag == "pre"
        if (tag == "title" and not self.title) or (tag == "h1" and not self.heading):
            self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag in self.skipping:
            del self.skipping[self.skipping.index(tag) :]
        elif tag in _BLOCKS:
            self.body.append("\n")
        if tag == self.inside:
            self.inside = None
        self.preformatted &= tag != "pre"

    def handle_data(self, data: str) -> None:
        if self.skipping:
            return
        if not self.preformatted:
            data = data.replace("\n", " ")
        if self.inside == "title":
            self.title.append(data)
            return
        if self.inside == "h1":
            self.heading.append(data)
        self.body.append(data)


def _lines(parts: list[str]) -> str:
    """The words with single spaces, one line for each block."""
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return "\n".join(filter(None, lines))


READERS: Mapping[str, Callable[[str], Page]] = {
    ".txt": plain,
    ".text": plain,
    ".md": markdown,
    ".markdown": markdown,
    ".html": html,
    ".htm": html,
}
