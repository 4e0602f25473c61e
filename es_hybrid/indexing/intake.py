"""Intake: a source's records become documents in windows, each id at most once in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, Protocol, get_args

from es_hybrid.documents import Document, Fields, Picture, Reader
from es_hybrid.errors import RecordError, UsageError
from es_hybrid.indexing.report import Problem, Tally
from es_hybrid.indexing.seen import Seen, hashes
from es_hybrid.sources import Item, Source

Duplicates = Literal["reject", "last"]

# Records that are read, planned and embedded together: enough to sort by length, few in memory.
WINDOW = 512


class OnLost(Protocol):
    """Is told of a record that was not indexed."""

    def __call__(self, problem: Problem, record: Any, *, picture: Picture | None) -> None:
        """With the record as it was read, and what it takes to read its picture again."""


@dataclass(frozen=True, slots=True)
class Window:
    """Documents that are planned and embedded together.

    Attributes:
        documents: no id twice; may be empty.
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
        self._reader = Reader(fields)
        self._seen = Seen()

    def windows(self) -> Iterator[Window]:
        """All documents, in order."""
        items, left = iter(self.source), self.skip
        while left and (some := list(islice(items, min(left, WINDOW)))):
            self._remember(some)
            left -= len(some)
        while some := list(islice(items, WINDOW)):
            yield self._window(some)

    def has_read(self, identifier: str) -> bool:
        """Whether a record of this id was met."""
        return self.have_read([identifier])[0]

    def have_read(self, identifiers: Sequence[str]) -> list[bool]:
        """Of each id, whether a record of it was met; many at once take far less time."""
        return [one is not None for one in self._seen.find(hashes(identifiers))]

    def _window(self, items: Sequence[Item]) -> Window:
        self.tally.read += len(items)
        made_ids = self._reader.made_ids
        made = [self._made(item) for item in items]
        met = [one for one in made if one is not None]
        self.tally.made_ids += self._reader.made_ids - made_ids
        self.tally.renamed |= self._reader.renamed
        ids = hashes([one.id for one in met])
        contents = hashes([one.content_hash for one in met])
        found = self._seen.find(ids)
        position = items[-1].position
        if found.count(None) == len(set(ids)) == len(ids):  # all ids are new: no more to see to
            self._seen.update(ids, contents)
            return Window(met, position, rewrites=False)
        origins = [item for item, one in zip(items, made, strict=True) if one is not None]
        latest = dict(zip(ids, found, strict=True))
        window: dict[str, Document] = {}
        rewrites = False
        for one, item, identifier, content in zip(met, origins, ids, contents, strict=True):
            before = latest[identifier]
            if before is not None:
                if self._is_done_with(one, item, same=before == content):
                    continue
                if one.id in window:
                    self.tally.unchanged += 1  # neither embedded nor written
                    self.tally.superseded += 1
                else:
                    rewrites = True
            latest[identifier] = content
            window[one.id] = one
        met_now = {key: content for key, content in latest.items() if content is not None}
        self._seen.update(met_now.keys(), met_now.values())
        return Window(list(window.values()), position, rewrites)

    def _remember(self, items: Sequence[Item]) -> None:
        """What later records are compared with, of those whose fate is known already."""
        for item in items:
            try:
                made = self._document(item)
            except RecordError:
                continue
            ids, contents = hashes([made.id]), hashes([made.content_hash])
            if self.duplicates == "last" or self._seen.find(ids) == [None]:
                self._seen.update(ids, contents)

    def _document(self, item: Item) -> Document:
        if isinstance(item.record, RecordError):
            raise item.record
        if isinstance(item.vector, RecordError):
            raise item.vector
        return self._reader.document(
            item.record, where=item.where, vector=item.vector, picture=item.picture
        )

    def _made(self, item: Item) -> Document | None:
        if self.tally.unseen and not isinstance(item.record, RecordError):
            self.tally.unseen.difference_update(item.record)
        try:
            return self._document(item)
        except RecordError as error:
            kind = type(error).__name__
            problem = Problem("rejected", item.where, str(error), error=kind)
            self.lost(problem, item.record, picture=item.picture)
            return None

    def _is_done_with(self, made: Document, item: Item, *, same: bool) -> bool:
        """Whether a document is not needed whose id stood before in this run."""
        if same:
            self.tally.unchanged += 1
            return True
        if self.duplicates == "last":
            return False
        reason = (
            f"id {made.id!r} stood before in this run with other content: make ids unique, or "
            "take the last one with --duplicates last"
        )
        problem = Problem("rejected", item.where, reason, made.id, error="RecordError")
        self.lost(problem, item.record, picture=item.picture)
        return True
