"""Replay: dead letters are indexed again; what succeeds leaves the file, the rest stays there.

The file changes once, at the end: whoever is killed before begins again, and what is in the index
by then counts as unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.client import path as path_of
from es_hybrid.client import request
from es_hybrid.documents import META_FIELD
from es_hybrid.embedders.given import Given
from es_hybrid.errors import IndexNotFound, SourceError
from es_hybrid.indexing.dead_letters import lines, replace_lines, unwritable
from es_hybrid.indexing.indexer import Indexer
from es_hybrid.indexing.letters import Letter, letter_source, read_letters
from es_hybrid.indexing.lock import locked
from es_hybrid.indexing.state import Places, cluster_of
from es_hybrid.live import read_index

_TOGETHER = 500  # ids

# What letters have in common that are indexed together: their source, whether their records were
# documents already, and where their pictures are.
_Kind = tuple[str, bool, bool, str | None]


@dataclass(slots=True)
class Replayed:
    """The numbers of a replay; `letters` is the sum of the others but the last.

    Attributes:
        letters: lines of the file.
        indexed: documents written.
        unchanged: the index had them already.
        overtaken: their documents were written later than the letter, so that it is out of date.
        failed: they stay in the file with their new reason.
        kept: they stay as they were: there is no record in them.
        left: lines of the file now.
    """

    letters: int = 0
    indexed: int = 0
    unchanged: int = 0
    overtaken: int = 0
    failed: int = 0
    kept: int = 0
    left: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def replay(
    client: Elasticsearch,
    name: str,
    file: Path,
    *,
    state: Path | None,
    allow_urls: bool = False,
    **options: Any,
) -> Replayed:
    """Index the records of a file of dead letters again.

    Args:
        client: is used, never changed.
        name: the alias that is written through; there has to be such an index.
        file: is written anew at the end, or deleted where no letter is left.
        state: as of `Indexer`.
        allow_urls: whether pictures are read from the web that records name there.
        options: arguments of `Indexer` for records that never became documents, and for those of
            pictures, which are read again. The others have their id, and the names that their
            fields are kept under.

    Raises:
        IndexNotFound: there is no such index.
        SourceError: the file cannot be read or written.
        EsHybridError: as of `Indexer.write`; the file is as it was.
    """
    if read_index(client, name) is None:
        raise IndexNotFound(f"there is no index {name!r}: name the one that the letters are of")
    if state is None:
        return _Replay(client, name, file, options, allow_urls=allow_urls).run()
    with locked(Places(state / "runs", cluster_of(client), name).lock, name=name):
        return _Replay(client, name, file, options, allow_urls=allow_urls).run()


class _Replay:
    def __init__(
        self,
        client: Elasticsearch,
        name: str,
        file: Path,
        options: dict[str, Any],
        *,
        allow_urls: bool,
    ) -> None:
        self.client = client
        self.name = name
        self.file = file
        self.options = options
        self.allow_urls = allow_urls
        self.failed = file.with_name(file.name + ".replay")
        self.done = Replayed()

    def run(self) -> Replayed:
        kept, groups = self._sorted()
        try:
            self.failed.unlink(missing_ok=True)
            for letters in groups.values():
                self._write(letters)
            self._replace(kept)
        finally:
            self.failed.unlink(missing_ok=True)
        return self.done

    def _sorted(self) -> tuple[list[bytes], dict[_Kind, list[Letter]]]:
        """Lines that stay, and letters that can be indexed together."""
        kept: list[bytes] = []
        groups: dict[_Kind, list[Letter]] = {}
        letters = list(read_letters(self.file))
        self.done.letters = len(letters)
        overtaken = self._overtaken([letter for letter in letters if letter.replayable])
        for letter in letters:
            if not letter.replayable:
                kept.append(letter.line.removesuffix(b"\n") + b"\n")
            elif letter.line not in overtaken:
                kind = (letter.source, letter.written, letter.of_picture, letter.pictures_in)
                groups.setdefault(kind, []).append(letter)
        self.done.kept = len(kept)
        self.done.overtaken = sum(letter.line in overtaken for letter in letters)
        return kept, groups

    def _overtaken(self, letters: list[Letter]) -> set[bytes]:
        """Lines of letters whose documents were written later."""
        dated = [
            letter
            for letter in letters
            if (letter.written or letter.of_picture) and letter.document and letter.told.get("time")
        ]
        found: set[bytes] = set()
        for start in range(0, len(dated), _TOGETHER):
            some = dated[start : start + _TOGETHER]
            for letter, updated in zip(some, self._updated(some), strict=True):
                if updated and _is_later(updated, letter.told["time"]):
                    found.add(letter.line)
        return found

    def _updated(self, letters: list[Letter]) -> Iterator[str | None]:
        """When their documents were written; None where there is none."""
        answer = request(
            self.client,
            "POST",
            path_of(self.name, "_mget"),
            params={"_source_includes": f"{META_FIELD}.updated_at"},
            body={"ids": [letter.document for letter in letters]},
        )
        for found in answer["docs"]:
            yield found.get("_source", {}).get(META_FIELD, {}).get("updated_at")

    def _write(self, letters: list[Letter]) -> None:
        before = self._failures()
        indexer = Indexer(
            self.client,
            self.name,
            dead_letters=self.failed,
            duplicates="last",  # a later letter is the newer record
            max_rejected=None,  # there are no more of them than before
            **self._options(letters),
        )
        try:
            report = indexer.write(letter_source(letters, allow_urls=self.allow_urls))
        except SourceError:
            if self._failures() - before < len(letters):
                raise
        else:
            self.done.indexed += report.indexed
            self.done.unchanged += report.unchanged
        self.done.failed += self._failures() - before

    def _options(self, letters: list[Letter]) -> dict[str, Any]:
        options = dict(self.options)
        if letters[0].written:
            options |= {"id_field": None, "columns": None}
        live = read_index(self.client, self.name)
        label = live.contract.embedder.label if live else None
        if live and label and not (options.get("vector_field") and "vector" not in letters[0].told):
            ready = Given(label, dims=live.contract.embedder.dims)
            options |= {"embedder": ready, "vector_field": None, "label": None}
        return options

    def _failures(self) -> int:
        return sum(1 for _ in lines(self.failed)) if self.failed.exists() else 0

    def _replace(self, kept: list[bytes]) -> None:
        failed = list(lines(self.failed)) if self.failed.exists() else []
        self.done.left = len(kept) + len(failed)
        try:
            replace_lines(self.file, iter([*kept, *failed]))
        except OSError as error:
            raise unwritable(self.file, error) from error


def _is_later(updated: str, time: str) -> bool:
    try:
        return datetime.fromisoformat(updated) > datetime.fromisoformat(time)
    except (ValueError, TypeError):
        return False
