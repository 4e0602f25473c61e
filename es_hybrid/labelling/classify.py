"""Labels are decided for the documents of an index, and written into them with their scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.embedders import Embedder, query_vectors
from es_hybrid.errors import EmbedderError, UsageError
from es_hybrid.existing.index import Existing
from es_hybrid.existing.run import waiting
from es_hybrid.filters import Clause, Filters, clauses
from es_hybrid.fitted.model import whole
from es_hybrid.indexing.patience import PATIENCE
from es_hybrid.indexing.patient import plain
from es_hybrid.labelling.deciding import Decided, Decision, Neighbours, ZeroShot
from es_hybrid.live import index_embedder, way
from es_hybrid.objects import value_at
from es_hybrid.vector_stream import VectorIndex, batches, count, vector_index
from es_hybrid.vectors import Vectors, unit
from es_hybrid.write_back import WrittenBack, check_free, write_back
from es_hybrid.write_back.run import OnProgress

# Where the model does not say by what it multiplies cosines: what OpenAI's CLIP models learnt.
_SCALE = 100.0

_MOST_EXAMPLES = 50_000  # 100 MB in 512 dimensions
_SAMPLE = 2000  # examples that are looked at to tell how well they agree
_MOST_LABELS = 10_000

# In the mapping of the field: it is ours, and may be written again.
_MARK = {"es_hybrid": "classify"}


@dataclass(frozen=True, slots=True)
class Options:
    """How labels are decided.

    Attributes:
        labels: their names, which the model reads; or
        examples: the field that holds the label of documents that have one.
        templates: what a name is put into, such as ``"a photo of {}"``; of several the middle of
            their vectors is taken. None takes that one for pictures, and the bare name for texts.
        k: how many examples vote, at least 1.
        field: the object that gets ``name`` and ``score``.
    """

    labels: tuple[str, ...] = ()
    examples: str | None = None
    templates: tuple[str, ...] | None = None
    k: int = 10
    field: str = "label"

    def check(self) -> None:
        """Refuse what can never work.

        Raises:
            UsageError: says what.
        """
        if bool(self.labels) == (self.examples is not None):
            raise UsageError("give labels to read, or a field with examples: one of them")
        if len(set(self.labels)) < len(self.labels) or not all(map(str.strip, self.labels)):
            raise UsageError(f"labels {','.join(self.labels)!r} have an empty or doubled one")
        if len(self.labels) == 1:
            raise UsageError(f"one label, {self.labels[0]!r}: all would get it; give two or more")
        if self.k < 1:
            raise UsageError(f"k {self.k}: at least one example votes")
        if self.examples is not None and self.templates:
            raise UsageError("a template is for labels that are read: leave it out, or --examples")
        for one in self.templates or ():
            if "{}" not in one:
                raise UsageError(f"template {one!r} has no place for the label: write {{}} into it")


@dataclass(frozen=True, slots=True)
class Counted:
    """One label.

    Attributes:
        label: its name.
        documents: that have it.
        score: the mean of theirs.
    """

    label: str
    documents: int
    score: float


@dataclass(frozen=True, slots=True)
class Classified:
    """What was decided.

    Attributes:
        name: what was asked for.
        index: the index behind it.
        embedder: id of the embedder that made the vectors.
        field: the object with ``name`` and ``score``.
        counted: the labels, the most frequent first.
        examples: how many documents had a label already; 0 where labels were read.
        agreement: share of those whose label the others give them, of a sample; None without.
        written: what was written; None where nothing was to be.
    """

    name: str
    index: str
    embedder: str
    field: str
    counted: tuple[Counted, ...]
    examples: int = 0
    agreement: float | None = None
    written: WrittenBack | None = None

    @property
    def complete(self) -> bool:
        """Whether every document has its label."""
        return self.written is None or not self.written.refused

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def classify(
    client: Elasticsearch,
    name: str,
    options: Options,
    *,
    embedder: str | Embedder | None = None,
    filter: Filters = None,  # noqa: A002 - Elasticsearch's own word
    dry_run: bool = False,
    progress: OnProgress = lambda _: None,
    patience: float = PATIENCE,
) -> Classified:
    """Give every document of an index that has a vector a label, with a score.

    With examples, documents that have a label of their own keep it and get none. Run it again
    after documents changed: what says the same already is not written.

    Args:
        client: any `Elasticsearch` client; it is used, never changed.
        name: an index, or an alias of one.
        options: how labels are decided.
        embedder: a name or an object; None loads the index's own, as a search does.
        filter: only documents that match.
        dry_run: decide, and write nothing.
        progress: called whenever the fate of more documents is known.
        patience: seconds to wait for a server that refuses or cannot be reached.

    Raises:
        UsageError: an option that can never work, a field of somebody else, or no example.
        ContractError: the index was made by another model, or its own must be named.
        EmbedderError: the model reads no texts.
        ServerError: the server refused, or cannot be reached; what it confirmed is written.
    """
    options.check()
    client = waiting(client, patience, progress)
    index = vector_index(client, name)
    _check_field(index.existing, options)
    limits = (*clauses(filter, fields=index.fields), *_without_label(options))
    decision, examples, agreement = _decision(client, index, options, embedder)
    told: dict[str, Any] = {"examples": examples, "agreement": agreement}
    if dry_run:
        counted = _counted(_decided(client, index, decision, limits))
        return _told(index, options, counted, told)
    _add_field(client, index.index, options.field)

    def values(_: Sequence[str], units: Vectors) -> Sequence[Mapping[str, Any]]:
        return [{"name": one.label, "score": one.score} for one in decision(units)]

    written = write_back(
        client, index, options.field, values, filters=limits, progress=progress, patience=patience
    )
    counted = _read(client, index.index, options.field, limits)
    return _told(index, options, counted, {**told, "written": written})


def _told(
    index: VectorIndex, options: Options, counted: tuple[Counted, ...], more: Mapping[str, Any]
) -> Classified:
    made_by = index.contract.embedder.id
    return Classified(index.name, index.index, made_by, options.field, counted, **more)


def _check_field(index: Existing, options: Options) -> None:
    there = index.mappings.get("properties", {}).get(options.field, {})
    ours = there.get("properties", {}).get("name", {}).get("meta") == _MARK
    check_free(index, options.field, kind="label", ours=ours)


def _add_field(client: Elasticsearch, index: str, name: str) -> None:
    parts = {"name": {"type": "keyword", "meta": _MARK}, "score": {"type": "float"}}
    body = {"properties": {name: {"properties": parts}}}
    request(client, "PUT", path(index, "_mapping"), body=body)


def _without_label(options: Options) -> tuple[Clause, ...]:
    if options.examples is None:
        return ()
    return ({"bool": {"must_not": [{"exists": {"field": options.examples}}]}},)


def _decision(
    client: Elasticsearch, index: VectorIndex, options: Options, embedder: str | Embedder | None
) -> tuple[Decision, int, float | None]:
    """What decides, how many examples it has, and how well they agree."""
    if options.examples is not None:
        found = _examples(client, index, options.examples, k=options.k)
        return (found, found.count, found.agreement(sample=_SAMPLE))
    model = index_embedder(index.contract, embedder, index=index.index, send=way(plain(client)))
    return _zero_shot(model, options), 0, None


def _zero_shot(model: Embedder, options: Options) -> ZeroShot:
    of_pictures = model.info.modality == "image"
    templates = options.templates or (("a photo of {}",) if of_pictures else ("{}",))
    texts = [one.replace("{}", label) for label in options.labels for one in templates]
    try:
        read = unit(query_vectors(model, texts)).vectors
    except EmbedderError as error:
        raise EmbedderError(
            f"{error}; or classify by documents with a label, --examples"
        ) from error
    middle = read.reshape(len(options.labels), len(templates), -1).mean(axis=1, dtype=np.float32)
    scale = float(getattr(model, "logit_scale", _SCALE))
    return ZeroShot(options.labels, unit(middle).vectors, scale=scale)


def _examples(client: Elasticsearch, index: VectorIndex, field: str, *, k: int) -> Neighbours:
    if field not in index.fields:
        have = ", ".join(sorted(name for name in index.fields if "." not in name))
        raise UsageError(f"no field {field!r} in {index.index!r} that could hold labels: {have}")
    labelled: list[Clause] = [{"exists": {"field": field}}]
    sample = _MOST_EXAMPLES if count(client, index, labelled) > _MOST_EXAMPLES else None
    vectors: list[Vectors] = []
    labels: list[str] = []
    for batch in batches(client, index, sample=sample, fields=(field,), filters=labelled):
        sources = dict(zip(batch.ids, batch.sources, strict=True))
        ids, units = whole(batch.ids, batch.units)
        for one, row in zip(ids, units, strict=True):
            for label in _labels(value_at(sources[one], field)):
                vectors.append(row)
                labels.append(label)
    if not labels:
        raise UsageError(
            f"no document of {index.index!r} has a label in {field!r}: give some one, or --labels"
        )
    if len(set(labels)) == 1:
        raise UsageError(
            f"all {len(labels):,} examples have the label {labels[0]!r}: give some another one"
        )
    return Neighbours(np.stack(vectors), labels, k=k)


def _labels(value: Any) -> list[str]:
    """Each of several votes."""
    several = value if isinstance(value, list) else [value]
    return [str(one) for one in several if isinstance(one, str | int | float) and one != ""]


def _decided(
    client: Elasticsearch, index: VectorIndex, decision: Decision, limits: Sequence[Clause]
) -> Iterator[Decided]:
    for batch in batches(client, index, filters=limits):
        yield from decision(whole(batch.ids, batch.units)[1])


def _counted(decided: Iterator[Decided]) -> tuple[Counted, ...]:
    scores: dict[str, list[float]] = {}
    for one in decided:
        scores.setdefault(one.label, []).append(one.score)
    found = [Counted(label, len(all_), float(np.mean(all_))) for label, all_ in scores.items()]
    return tuple(sorted(found, key=lambda one: (-one.documents, one.label)))


def _read(
    client: Elasticsearch, index: str, field: str, limits: Sequence[Clause]
) -> tuple[Counted, ...]:
    """What the documents say now."""
    terms = {"field": f"{field}.name", "size": _MOST_LABELS}
    mean = {"score": {"avg": {"field": f"{field}.score"}}}
    body = {
        "size": 0,
        "query": {"bool": {"filter": list(limits)}},
        "aggs": {"labels": {"terms": terms, "aggs": mean}},
    }
    answer = request(client, "POST", path(index, "_search"), body=body)
    return tuple(
        Counted(str(one["key"]), one["doc_count"], float(one["score"]["value"]))
        for one in answer["aggregations"]["labels"]["buckets"]
    )
