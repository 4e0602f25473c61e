"""The indexer: records in, a report out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Generator, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from elasticsearch import Elasticsearch

from es_hybrid import capabilities
from es_hybrid.analysis import AUTO
from es_hybrid.documents import (
    DEFAULT_TEXT_FIELDS,
    Fields,
    by_field,
    field_names,
    reserved_fields,
)
from es_hybrid.embedders import Embedder
from es_hybrid.errors import UsageError
from es_hybrid.field_types import field_type
from es_hybrid.indexing.bridge import Bridge, WaitingClient
from es_hybrid.indexing.creation import create
from es_hybrid.indexing.intake import check_duplicates
from es_hybrid.indexing.journal import About, Journal, fingerprint
from es_hybrid.indexing.limit import LIMIT, Limit, limit
from es_hybrid.indexing.lock import locked
from es_hybrid.indexing.patience import PATIENCE
from es_hybrid.indexing.prune import check_share
from es_hybrid.indexing.ready import Ready
from es_hybrid.indexing.report import Progress, Report
from es_hybrid.indexing.run import Job, OnProgress, Run
from es_hybrid.indexing.state import Places, cluster_of, index_id
from es_hybrid.indexing.target import Target, Wanted, find
from es_hybrid.passages import PassageSize, passage_size
from es_hybrid.sources import Source, memory

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch


def _silent(_: Progress) -> None:
    return None


class _Indexing:
    """What both indexers do; arguments as of `Indexer`."""

    _awaits: ClassVar[bool] = False

    def __init__(
        self,
        client: Any,
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
        state: Path | None = None,
        restart: bool = False,
        source: str | None = None,
        prune: float | None = None,
        rewrite: bool = False,
        patience: float = PATIENCE,
        max_rejected: int | str | Limit | None = LIMIT,
    ) -> None:
        self._check(client)
        self.vectors = Ready(column=vector_field, file=vectors_file, label=label)
        self.vectors.check(embedder=embedder, passages=passages)
        self.client = client
        self.name = name
        self.id_field = id_field
        self.wanted = Wanted(
            embedder=embedder,
            text_fields=field_names(text_fields),
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
        self.state = state
        self.restart = restart
        self.source = source
        self.prune = check_share(prune)
        self.rewrite = rewrite
        self.patience = patience
        self.limit = limit(max_rejected)

    def _check(self, client: Any) -> None:
        """Refuse a client of the other kind, whose answers nobody would await."""
        if iscoroutinefunction(getattr(client, "perform_request", None)) != self._awaits:
            other = "Indexer" if self._awaits else "AsyncIndexer"
            raise UsageError(
                f"{type(self).__name__} cannot use a {type(client).__name__}: take {other}"
            )

    def _check_name(self, source: Source) -> None:
        """Refuse to prune what came from anywhere."""
        if self.prune is not None and self.source is None and source.files() is None:
            raise UsageError(
                f"prune deletes what one source has no more, and {source.name!r} may be any: "
                "give these records a name that stays, as source='films' (--source films)"
            )

    def _create(self, client: Elasticsearch) -> str:
        if self.vectors != Ready():
            raise UsageError(
                "how many numbers ready vectors have is told by the first record: write some"
            )
        target = find(client, self.name, self.wanted, default_text=DEFAULT_TEXT_FIELDS)
        if target.exists:
            return target.index
        if self.wanted.analysis is None:
            raise UsageError(
                f"{self.name!r} is made before there is any text to tell its analysis from: name "
                "one, such as analysis='english'"
            )
        serverless = capabilities.read(client).flavour == "serverless"
        return create(client, target, self.wanted, texts=(), serverless=serverless).index

    def _write(self, client: Elasticsearch, records: Any, progress: OnProgress) -> Report:
        source = records if isinstance(records, Source) else memory(records)
        self._check_name(source)
        source, embedder = self.vectors.beside(source, embedder=self.wanted.embedder)
        hints = by_field(source.types, self.columns)
        modality = source.modality if self.vectors == Ready() else None
        wanted = replace(self.wanted, embedder=embedder, hints=hints, modality=modality)
        with ExitStack() as held:
            target = find(client, self.name, wanted, default_text=DEFAULT_TEXT_FIELDS)
            places = self._places(client)
            if places:
                held.enter_context(locked(places.lock, name=self.name))
            index = index_id(client, target.index) if target.exists else None
            known = fingerprint(source.files(), reading=source.reading)
            job = Job(
                client=client,
                target=target,
                wanted=self.wanted,
                source=source,
                fields=self._fields(target),
                vectors=self.vectors,
                duplicates=self.duplicates,
                dead_letters=self.dead_letters,
                progress=progress,
                origin=self._origin(source),
                index_id=index,
                files=known,
                journal=self._journal(places, source, known, index),
                prune=self.prune,
                rewrite=self.rewrite,
                patience=self.patience,
                limit=self.limit,
            )
            return Run(job).report()

    def _places(self, client: Elasticsearch) -> Places | None:
        if self.state is None:
            return None
        return Places(self.state / "runs", cluster_of(client), self.name)

    def _journal(
        self, places: Places | None, source: Source, known: str | None, index: str | None
    ) -> Journal | None:
        """None where nothing is noted, or where the source cannot be read a second time."""
        files = source.files()
        if places is None or files is None or known is None:
            return None
        about = About(source=known, options=self._options(source), index=index)
        return Journal(places.journal(files), about, restart=self.restart)

    def _options(self, source: Source) -> str:
        """What decides which documents the records become."""
        types = sorted((name, str(kind)) for name, kind in self.wanted.types.items())
        columns = sorted(self.columns.items())
        said = (self.wanted.text_fields, self.id_field, columns, types, self.duplicates)
        return repr((*said, self.vectors, self._origin(source), self.rewrite))

    def _origin(self, source: Source) -> str:
        return source.name if self.source is None else self.source

    def _fields(self, target: Target) -> Fields:
        pictures = target.contract.embedder.modality == "image"
        return Fields(
            text=target.contract.text_fields,
            id=self.id_field,
            columns=self.columns,
            types=target.types,
            text_required=target.embedder.info.label is None and not pictures,
            picture_required=pictures,
            reserved=reserved_fields(
                passages=target.contract.passages is not None,
                vector_field=target.contract.vector_field,
                pictures=pictures,
            )
            | set(target.models),
        )


class Indexer(_Indexing):
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

        state: folder where the runs of this machine keep their notes: a run that was stopped, in
            whatever way, is gone on with by the next one that reads the same files, and a second
            one at the same time is refused. None notes nothing; a later run is as right then, but
            counts what the first one wrote as unchanged.
        restart: begin with the first record, whatever the notes say.
        source: what the documents say that they came from; None takes the name of the files.
        prune: when the source was read to its end and all of it is in the index, delete the
            documents that came from it and that it has no more, if they are at most this share of
            them, such as 0.2; None deletes nothing.
        rewrite: write every document, also one that the index has already: for an index whose
            documents other programs change by partial updates, which a run does not see
            otherwise. What is unchanged in its text is not embedded again.
        patience: seconds to wait for a server that takes no document, as it is too busy, restarts,
            or is blocked because its disk is full; then the run stops, and what it did not write is
            written when it is run again.
        max_rejected: stop when more records than this cannot be indexed, rejected and
            dead-lettered together: a number, a share such as ``"5%"`` of those read, counted from
            the first 1,000 on, or None for no limit. By default 1,000, or 10 % of those read,
            whichever is more.

    Raises:
        UsageError: an unknown type, passages of a size that cannot work, another word for
            `duplicates`, a share that is none, or no limit; or the client awaits.
    """

    client: Elasticsearch

    def create(self) -> str:
        """Make the index with its alias, without a document; leave one that is there.

        All that a key for setting up may do; one that may write fills it.

        Returns:
            The index behind the alias.

        Raises:
            UsageError: no analysis is named, or the vectors are ready ones.
            ContractMismatch: the live index was made differently.
            EmbedderError: the embedder cannot be loaded.
            ServerError: the server refused, or cannot be reached.
        """
        return self._create(self.client)

    def write(self, records: Source | Iterable[Any], *, progress: OnProgress = _silent) -> Report:
        """Index all records and refresh once at the end.

        Args:
            records: a source, or any iterable of mappings; it is read lazily.
            progress: called whenever the fate of more records is known.

        Raises:
            SourceError: there was nothing readable; nothing was written. Or a dead letter cannot
                be kept, as on a full disk.
            TooManyRejected: more than `max_rejected`; it has the report up to there.
            ContractMismatch: the live index was made differently; nothing was written.
            EmbedderError: the embedder cannot be loaded; nothing was written.
            StateError: the notes cannot be kept, or another run is at it.
            ServerError: the server cannot be reached or refused everything.
        """
        return self._write(self.client, records, progress)


class AsyncIndexer(_Indexing):
    """As `Indexer`, with an ``AsyncElasticsearch``; reading and models work in a thread.

    When the caller is cancelled, what is on its way to Elasticsearch is waited for, and nothing
    else is sent; a later run writes what is missing.
    """

    _awaits = True
    client: AsyncElasticsearch

    async def create(self) -> str:
        """As `Indexer.create`.

        Raises:
            EsHybridError: as `Indexer.create`.
        """
        bridge = Bridge(asyncio.get_running_loop())
        client: Any = WaitingClient(self.client, bridge)
        return await bridge.run(lambda: self._create(client))

    async def write(
        self,
        records: Source | Iterable[Any] | AsyncIterable[Any],
        *,
        progress: Callable[[Progress], Any] = _silent,
    ) -> Report:
        """As `Indexer.write`.

        Args:
            records: also what is read with ``async for``.
            progress: also a coroutine function; called on the event loop.

        Raises:
            EsHybridError: as `Indexer.write`.
        """
        bridge = Bridge(asyncio.get_running_loop())
        client: Any = WaitingClient(self.client, bridge)
        several = _across(bridge, records)
        tell = bridge.told(progress)

        def work() -> Report:
            try:
                return self._write(client, several, tell)
            finally:
                if isinstance(several, Generator):
                    several.close()  # now, and not when there is no loop any more

        return await bridge.run(work)


def _across(bridge: Bridge, records: Any) -> Source | Iterable[Any]:
    """Records of the caller's loop, for the thread."""
    if isinstance(records, AsyncIterable):
        return bridge.read(records)
    if isinstance(records, Source):
        return records
    memory(records)  # refuses what is no records
    return bridge.each(records)
