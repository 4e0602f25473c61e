"""Intake: a source's records become documents in windows, each id at most once in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from es_hybrid.documents import METADATA_FIELDS, Document, Fields, document, stored_name
from es_hybrid.errors import RecordError, UsageError
from es_hybrid.indexing.report import Problem, Tally
from es_hybrid.sources import Item, Source

Duplicates = Literal["reject", "last"]

# Documents that are planned and embedded together: enough to sort by length, few in memory.
WINDOW = 512

# A record that was not indexed, and the record itself as it was read.
OnLost = Callable[[Problem, Any], None]


@dataclass(frozen=True, slots=True)
class Window:
    """Documents that are planned and embedded together.

    Attributes:
        documents: no id twice; may be empty at the end.
        position: bytes of the source read so far.
        rewrites: whether one of them replaces a document of an earlier window.
    """

    documents: list[Document]
    position: int
    rewrites: bool


def check_duplicates(choice: str) -> Duplicates:
    """`choice`, if it says what happens to another record of the same id.

    Raises:
        UsageError: it does not.
    """
    choices: tuple[Duplicates, ...] = get_args(Duplicates)
    for known in choices:
        if choice == known:
            return known
    raise UsageError(f"duplicates {choice!r} is not one of {', '.join(choices)}")


class Intake:
    """Reads a source to the end and counts what it meets.

    A repeated id with equal content is unchanged. With other content it is rejected, or with
    ``"last"`` takes the place of the one before.

    Args:
        source: what is read.
        fields: which fields mean what.
        duplicates: what happens to another record of the same id.
        tally: where it is counted.
        lost: told of every rejected record.
        skip: so many records at the start are settled already: only their ids are remembered.
    """

    def __init__(
        self,
        source: Source,
        fields: Fields,
        *,
        duplicates: Duplicates,
        tally: Tally,
        lost: OnLost,
        skip: int = 0,
    ) -> None:
        self.source = source
        self.fields = fields
        self.duplicates = duplicates
        self.tally = tally
        self.lost = lost
        self.skip = skip
        self._seen: dict[str, int] = {}  # id -> a part of its content hash

    def windows(self) -> Iterator[Window]:
        """All documents, in order."""
        window: dict[str, Document] = {}
        rewrites = False
        position = 0
        for number, item in enumerate(self.source):
            if number < self.skip:
                self._remember(item)
                continue
            self.tally.read += 1
            position = item.position
            made = self._made(item)
            if made is None or self._repeats(made, item):
                continue
            if made.id in window:
                self.tally.unchanged += 1  # neither embedded nor written
                self.tally.superseded += 1
            else:
                rewrites |= made.id in self._seen
            self._seen[made.id] = _short(made)
            window[made.id] = made
            if len(window) == WINDOW:
                yield Window(list(window.values()), position, rewrites)
                window, rewrites = {}, False
        yield Window(list(window.values()), position, rewrites)

    def has_read(self, identifier: str) -> bool:
        """Whether a record of this id was met."""
        return identifier in self._seen

    def _remember(self, item: Item) -> None:
        """What a later record is compared with, of one whose fate is known already."""
        try:
            made = _given(self._document(item), item)
        except RecordError:
            return
        if self.duplicates == "last":
            self._seen[made.id] = _short(made)
        else:
            self._seen.setdefault(made.id, _short(made))

    def _document(self, item: Item) -> Document:
        if isinstance(item.record, RecordError):
            raise item.record
        if isinstance(item.vector, RecordError):
            raise item.vector
        return document(item.record, self.fields, where=item.where)

    def _made(self, item: Item) -> Document | None:
        record = {} if isinstance(item.record, RecordError) else item.record
        self.tally.unseen.difference_update(record)
        try:
            made = self._document(item)
        except RecordError as error:
            kind = type(error).__name__
            self.lost(Problem("rejected", item.where, str(error), error=kind), item.record)
            return None
        self.tally.made_ids += made.id == made.content_hash
        for name in METADATA_FIELDS.intersection(record):
            if stored_name(name) in made.source:
                self.tally.renamed[name] = stored_name(name)
        return _given(made, item)

    def _repeats(self, made: Document, item: Item) -> bool:
        """Whether the document is not needed, as its id stood before in this run."""
        before = self._seen.get(made.id)
        if before is None or (before != _short(made) and self.duplicates == "last"):
            return False
        if before == _short(made):
            self.tally.unchanged += 1
            return True
        reason = (
            f"id {made.id!r} stood before in this run with other content: make ids unique, or "
            "take the last one with --duplicates last"
        )
        problem = Problem("rejected", item.where, reason, made.id, error="RecordError")
        self.lost(problem, item.record)
        return True


def _given(made: Document, item: Item) -> Document:
    given = item.vector
    return made if given is None or isinstance(given, RecordError) else made.given(given)


def _short(made: Document) -> int:
    """60 bits of the content hash: a third of the memory, for every id of a run."""
    return int(made.content_hash[:15], 16)
