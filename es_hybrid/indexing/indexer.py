"""The indexer: records in, a report out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.analysis import AUTO
from es_hybrid.documents import (
    DEFAULT_TEXT_FIELDS,
    Fields,
    by_field,
    reserved_fields,
)
from es_hybrid.embedders import Embedder
from es_hybrid.field_types import field_type
from es_hybrid.indexing.intake import check_duplicates
from es_hybrid.indexing.ready import Ready
from es_hybrid.indexing.report import Progress, Report
from es_hybrid.indexing.run import Job, OnProgress, Run
from es_hybrid.indexing.target import Target, Wanted, find
from es_hybrid.passages import PassageSize, passage_size
from es_hybrid.sources import Source, memory

_SENDERS = 2
_MAX_IN_FLIGHT = 4


def _silent(_: Progress) -> None:
    return None


def _names(fields: Iterable[str] | None) -> tuple[str, ...] | None:
    """The fields; a string is one name, not the letters it has."""
    if fields is None:
        return None
    return (fields,) if isinstance(fields, str) else tuple(fields)


class Indexer:
    """Writes documents and their vectors through the alias `name`.

    Creates the index with the first document; writes only what is new or changed.

    Args:
        client: any `Elasticsearch` client; it is used, never changed.
        name: the alias; the index behind it is ``name-000001``.
        embedder: a name such as ``"e5-small"``, or an object with the `Embedder` methods; None
            takes the live index's own, or the default.
        text_fields: names of the fields that are searched and embedded; None as for `embedder`.
        id_field: field that holds the id; None takes ``_id``, or derives the id from the content.
        analysis: analysis profile; None or ``"auto"`` takes the live index's own, or what the
            first documents of a new one ask for.
        vector_index: vector index type; None as for `embedder`.
        shards: primary shards of a new index.
        replicas: copies of each shard of a new index; None adapts to the number of nodes.
        dead_letters: file that keeps every record that could not be indexed; None keeps none.
        fields: field -> type, such as ``{"year": "number", "sold": "date:%d.%m.%Y"}``; an index
            keeps the types that it was given.
        columns: field -> the column that it is read from, where the two differ.
        duplicates: what happens to another record of the same id: ``"reject"``, or ``"last"``.
        similarity: ``"cosine"``, ``"max_inner_product"`` or ``"l2_norm"``; None as for
            `embedder`. All but cosine keep the vectors as they came.
        vector_field: column with a ready vector for each record; nothing is embedded then.
        vectors_file: .npy file with one row for each record, instead of a column.
        label: which model made the ready vectors; None takes the name of the column or file.
        passages: ``"TOKENS"`` or ``"TOKENS:OVERLAP"``: long texts are embedded in passages of at
            most so many tokens of the embedder, which share at most `OVERLAP` with the one
            before; None takes the live index's own, or embeds each text as a whole.

    Raises:
        UsageError: an unknown type, passages of a size that cannot work, or another word for
            `duplicates`.
    """

    def __init__(
        self,
        client: Elasticsearch,
        name: str,
        *,
        embedder: str | Embedder | None = None,
        text_fields: Iterable[str] | None = None,
        id_field: str | None = None,
        analysis: str | None = None,
        vector_index: str | None = None,
        shards: int = 1,
        replicas: int | None = None,
        dead_letters: Path | None = None,
        fields: Mapping[str, str] | None = None,
        columns: Mapping[str, str] | None = None,
        duplicates: str = "reject",
        passages: str | PassageSize | None = None,
        similarity: str | None = None,
        vector_field: str | None = None,
        vectors_file: Path | None = None,
        label: str | None = None,
    ) -> None:
        self.vectors = Ready(column=vector_field, file=vectors_file, label=label)
        self.vectors.check(embedder=embedder, passages=passages)
        self.client = client
        self.name = name
        self.id_field = id_field
        self.wanted = Wanted(
            embedder=embedder,
            text_fields=_names(text_fields),
            analysis=None if analysis == AUTO else analysis,
            vector_index=vector_index,
            shards=shards,
            replicas=replicas,
            passages=None if passages is None else passage_size(passages),
            similarity=similarity,
            types={field: field_type(spec) for field, spec in (fields or {}).items()},
        )
        self.dead_letters = dead_letters
        self.columns = dict(columns or {})
        self.duplicates = check_duplicates(duplicates)

    def write(self, records: Source | Iterable[Any], *, progress: OnProgress = _silent) -> Report:
        """Index all records and refresh once at the end.

        Args:
            records: a source, or any iterable of mappings; it is read lazily.
            progress: called whenever the fate of more records is known.

        Raises:
            SourceError: there was nothing readable; nothing was written.
            ContractMismatch: the live index was made differently; nothing was written.
            EmbedderError: the embedder cannot be loaded; nothing was written.
            ServerError: the server cannot be reached or refused everything.
        """
        source = records if isinstance(records, Source) else memory(records)
        source, embedder = self.vectors.beside(source, embedder=self.wanted.embedder)
        hints = by_field(source.types, self.columns)
        wanted = replace(self.wanted, embedder=embedder, hints=hints)
        target = find(self.client, self.name, wanted, default_text=DEFAULT_TEXT_FIELDS)
        job = Job(
            client=self.client,
            target=target,
            wanted=self.wanted,
            source=source,
            fields=self._fields(target),
            vectors=self.vectors,
            duplicates=self.duplicates,
            dead_letters=self.dead_letters,
            progress=progress,
        )
        return Run(job).report()

    def _fields(self, target: Target) -> Fields:
        return Fields(
            text=target.contract.text_fields,
            id=self.id_field,
            columns=self.columns,
            types=target.types,
            text_required=target.embedder.info.label is None,
            reserved=reserved_fields(passages=target.contract.passages is not None),
        )
