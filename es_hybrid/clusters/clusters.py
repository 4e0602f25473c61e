"""Clusters of an index: found on vectors, called by their words, and written back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from elasticsearch import Elasticsearch

from es_hybrid.clusters import kmeans
from es_hybrid.clusters.labels import WORDS, terms_of, words_of
from es_hybrid.clusters.plane import MOST, plane
from es_hybrid.errors import UsageError
from es_hybrid.existing.run import waiting
from es_hybrid.filters import Clause, clauses
from es_hybrid.filters import Filters as Given
from es_hybrid.fitted.model import Fitted, Floats, fitted_for, nearest, whole
from es_hybrid.indexing.patience import PATIENCE
from es_hybrid.indexing.scan import refresh
from es_hybrid.objects import beginning
from es_hybrid.texts import counted
from es_hybrid.vector_stream import VectorIndex, batches, gathered, vector_index
from es_hybrid.vectors import Vectors
from es_hybrid.write_back import WrittenBack, attach, check_field, write_back
from es_hybrid.write_back.run import OnProgress

FEWEST = 20  # documents: of fewer, no clusters are worth the name
_READ = 100  # documents of a cluster whose words are read: those nearest to its centre
_SHOWN = 3  # of them, how many stand for it

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How clusters are looked for.

    Attributes:
        clusters: how many; None takes the number with the best silhouette.
        sample: documents that decide that, give the labels and are on the map, 20 and more.
        field: the object that gets number and label.
    """

    clusters: int | None = None
    sample: int = kmeans.SAMPLE
    field: str = "cluster"


@dataclass(frozen=True, slots=True)
class Cluster:
    """One of them.

    Attributes:
        id: its number, from 0.
        label: its words, with commas.
        words: the best first.
        documents: that lie nearest to its centre.
        examples: ids of some of them, the nearest first.
        texts: how these begin.
    """

    id: int
    label: str
    words: tuple[str, ...]
    documents: int
    examples: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A document on the map.

    Attributes:
        x, y: where it is.
        cluster: its number.
        id: of the document.
        text: how it begins.
    """

    x: float
    y: float
    cluster: int
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Attributes:
        name: what was asked for.
        index: the index behind it.
        embedder: id of the embedder that made the vectors.
        documents: with a vector.
        silhouettes: number of clusters -> mean silhouette; of all that were tried.
        clusters: by their numbers.
        places: the map, of a sample; empty where none was asked for.
        model: id of the model that looks at new documents; None where nothing was written.
        written: what was written back; None where nothing was to be.
    """

    name: str
    index: str
    embedder: str
    documents: int
    silhouettes: Mapping[int, float]
    clusters: tuple[Cluster, ...]
    places: tuple[Place, ...]
    model: str | None
    written: WrittenBack | None

    @property
    def complete(self) -> bool:
        """Whether all that was to be written was."""
        return self.written is None or not self.written.refused

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        found = asdict(self)
        del found["places"]
        return found


def clusters(
    client: Elasticsearch,
    name: str,
    options: Options | None = None,
    *,
    filter: Given = None,  # noqa: A002 - Elasticsearch's own word
    map_too: bool = False,
    write: bool = False,
    dry_run: bool = False,
    progress: OnProgress = lambda _: None,
    patience: float = PATIENCE,
) -> Found:
    """Find clusters of documents, and words for them.

    Memory holds a sample and one page of vectors. With `write` the centres become a model, every
    document gets ``cluster.id`` and ``cluster.label``, and so does each that is indexed from then
    on.

    Args:
        client: any `Elasticsearch` client; it is used, never changed.
        name: an index, or an alias of one.
        options: how; None takes the defaults.
        filter: only documents that match, as for a search.
        map_too: whether places on a map are worked out.
        write: whether the index is written to.
        dry_run: with `write`, check that it could be, and write nothing.
        progress: called whenever the fate of more documents is known.
        patience: seconds to wait for a server that refuses or cannot be reached.

    Raises:
        UsageError: options that can never work, or too few documents.
        NoContract: the index has no vectors that es_hybrid knows of.
        ServerError: the server refused, or cannot be reached.
        EsHybridError: scikit-learn is not installed.
    """
    asked = options or Options()
    if asked.sample < FEWEST:
        raise UsageError(f"sample {asked.sample} must be {FEWEST} or more")
    client = waiting(client, patience, progress)
    index = vector_index(client, name)
    if write:
        check_field(index.existing, asked.field, kind="cluster")
    refresh(client, index.index)
    limits = clauses(filter, fields=index.fields)
    sample = _sample(client, index, limits, asked.sample)
    read = (whole(one.ids, one.units)[1] for one in batches(client, index, filters=limits))
    fitted = kmeans.fit(read, sample.units, clusters=asked.clusters)
    centres = _numbered(sample, fitted.centres)
    named = _named(client, index, sample, centres)
    counts = _counts(client, index, limits, centres)
    made = tuple(_cluster(number, one, counts[number]) for number, one in enumerate(named))
    kept, written = None, None
    if write and not dry_run:
        model = _model(index, asked.field, centres, made, fitted_on=fitted.fitted_on)
        kept = attach(client, index.index, model)
        written = _write(client, index, model, limits, progress=progress, patience=patience)
    return Found(
        name=name,
        index=index.index,
        embedder=index.contract.embedder.id,
        documents=sum(counts.values()),
        silhouettes=fitted.silhouettes,
        clusters=made,
        places=_places(sample, centres) if map_too else (),
        model=kept,
        written=written,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Some documents: their ids, vectors of length 1, and texts."""

    ids: Sequence[str]
    units: Vectors
    sources: Mapping[str, Mapping[str, Any]]
    fields: Sequence[str]

    def text(self, identifier: str) -> str:
        return beginning(self.sources[identifier], self.fields)


@dataclass(frozen=True, slots=True)
class _Named:
    """Words of a cluster, and the documents that stand for it."""

    words: tuple[str, ...]
    examples: tuple[str, ...]
    texts: tuple[str, ...]


def _sample(
    client: Elasticsearch, index: VectorIndex, filters: Sequence[Clause], most: int
) -> _Sample:
    fields = index.contract.text_fields
    found = gathered(batches(client, index, sample=most, fields=fields, filters=filters))
    if (count := len(set(found.ids))) < FEWEST:
        raise UsageError(
            f"{index.name!r} has {counted(count, 'document')} with a vector to look at: "
            f"of fewer than {FEWEST} no clusters are worth the name"
        )
    ids, units = whole(found.ids, found.units)
    # By id: written documents move within an index, and must not become other clusters by that.
    order = sorted(range(len(ids)), key=lambda place: ids[place])
    sources = dict(zip(found.ids, found.sources, strict=True))
    return _Sample([ids[place] for place in order], units[order], sources, fields)


def _numbered(sample: _Sample, centres: Vectors) -> Vectors:
    """The centres, the largest cluster first; of equal ones that with the first id."""
    rows = nearest(sample.units, centres)[1].tolist()
    sizes = Counter(rows)
    order = sorted(
        range(len(centres)),
        key=lambda one: (-sizes[one], rows.index(one) if one in sizes else len(rows)),
    )
    return centres[order]


def _named(
    client: Elasticsearch, index: VectorIndex, sample: _Sample, centres: Vectors
) -> list[_Named]:
    distances, rows = nearest(sample.units, centres)
    ids = [_nearest_ids(sample.ids, distances, rows == one) for one in range(len(centres))]
    terms: list[list[Any]] = []
    for some in ids:
        read = terms_of(client, index.index, some, sample.sources, sample.fields)
        terms.append([told for _, told in read])
    return [
        _Named(words, tuple(some[:_SHOWN]), tuple(sample.text(one) for one in some[:_SHOWN]))
        for words, some in zip(words_of(terms, most=WORDS), ids, strict=True)
    ]


def _nearest_ids(ids: Sequence[str], distances: Floats, mine: npt.NDArray[np.bool_]) -> list[str]:
    places = np.flatnonzero(mine)
    order = places[np.argsort(distances[places], kind="stable")]
    return [ids[place] for place in order[:_READ].tolist()]


def _cluster(number: int, named: _Named, documents: int) -> Cluster:
    label = ", ".join(named.words) or f"cluster {number}"
    return Cluster(number, label, named.words, documents, named.examples, named.texts)


def _model(
    index: VectorIndex, field: str, centres: Vectors, made: Sequence[Cluster], *, fitted_on: int
) -> Fitted:
    return fitted_for(
        index.contract,
        kind="cluster",
        method="kmeans",
        field=field,
        centres=centres,
        labels=tuple(one.label for one in made),
        fitted_on=fitted_on,
    )


def _counts(
    client: Elasticsearch, index: VectorIndex, filters: Sequence[Clause], centres: Vectors
) -> Counter[int]:
    counts: Counter[int] = Counter()
    for batch in batches(client, index, filters=filters):
        counts.update(nearest(whole(batch.ids, batch.units)[1], centres)[1].tolist())
    return counts


def _places(sample: _Sample, centres: Vectors) -> tuple[Place, ...]:
    units = sample.units[:MOST]
    rows = nearest(units, centres)[1].tolist()
    found = zip(plane(units).tolist(), rows, sample.ids, strict=False)
    return tuple(Place(x, y, row, one, sample.text(one)) for (x, y), row, one in found)


def _write(
    client: Elasticsearch,
    index: VectorIndex,
    model: Fitted,
    filters: Sequence[Clause],
    *,
    progress: OnProgress,
    patience: float,
) -> WrittenBack:
    return write_back(
        client,
        index,
        model.field,
        lambda _ids, units: model.values(units),
        filters=filters,
        progress=progress,
        patience=patience,
    )
