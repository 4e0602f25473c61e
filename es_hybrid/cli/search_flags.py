"""The options of ``es-hybrid search``, as they are typed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from es_hybrid.cli.flags import EMBEDDER, FILTER
from es_hybrid.cli.index_options import pairs
from es_hybrid.cli.query_vector import read_vector
from es_hybrid.errors import UsageError

if TYPE_CHECKING:
    from es_hybrid.search import Searcher

# Words found, on a screen.
_MARKED = {"pre_tags": ["*"], "post_tags": ["*"], "order": "score"}

_FOUND, _FUSED, _SHOWN, _SENT = "What is found", "How legs are fused", "What is shown", "Sending"


def _something(context: typer.Context, vector: str | None) -> str | None:
    """Without words there has to be a vector, a picture or a document."""
    given = [context.params.get(name) for name in ("query", "image", "like")]
    if vector is None and not any(one is not None for one in given):
        raise UsageError(
            "missing argument QUERY: say what to look for, or give --vector, --image or --like"
        )
    return vector


def _option(text: str, *names: str, panel: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


@dataclass(frozen=True)
class Flags:
    """What is looked for, how legs are fused, and what is shown of it."""

    mode: Annotated[
        str | None,
        _option(
            "hybrid (BM25 and kNN fused; the default), bm25, or knn (the default without words).",
            panel=_FOUND,
        ),
    ] = None
    filter: Annotated[list[str] | None, _option(FILTER, panel=_FOUND)] = None
    fields: Annotated[
        str | None,
        _option("Fields for BM25, with boosts: title^2,text.", metavar="FIELDS", panel=_FOUND),
    ] = None
    vector: Annotated[
        str | None,
        _option(
            "What the kNN leg looks for instead of the words: [0.1, …], or a file of that or .npy.",
            metavar="JSON|FILE",
            callback=_something,
            panel=_FOUND,
        ),
    ] = None
    image: Annotated[
        Path | None,
        _option(
            "A picture that the kNN leg looks for instead of the words.",
            metavar="FILE",
            panel=_FOUND,
        ),
    ] = None
    like: Annotated[
        str | None,
        _option(
            "A document whose vector the kNN leg looks for instead; it is not found itself.",
            metavar="ID",
            panel=_FOUND,
        ),
    ] = None
    min_cosine: Annotated[
        float | None, _option("What kNN finds has at least this cosine.", panel=_FOUND)
    ] = None
    min_bm25: Annotated[
        float | None, _option("What BM25 finds has at least this score.", panel=_FOUND)
    ] = None
    exact: Annotated[
        bool, _option("kNN compares all vectors and misses nothing.", "--exact", panel=_FOUND)
    ] = False
    num_candidates: Annotated[
        int | None,
        _option("Vectors that each shard looks at for kNN: more find more, slower.", panel=_FOUND),
    ] = None
    oversample: Annotated[
        float | None,
        _option(
            "Of quantised vectors: candidates per hit that are scored again exactly, 1 to 10; 0 "
            "for none.",
            panel=_FOUND,
        ),
    ] = None
    embedder: Annotated[str | None, _option(EMBEDDER, panel=_FOUND)] = None
    method: Annotated[
        str | None,
        _option(
            "rrf adds reciprocal ranks (the default), linear adds scores, adaptive weighs them by "
            "how far each leg can be trusted in this query.",
            panel=_FUSED,
        ),
    ] = None
    tuned: Annotated[
        bool,
        _option(
            "Fuse as es-hybrid tune found best, where nothing else is said here.",
            "--tuned/--no-tuned",
            panel=_FUSED,
        ),
    ] = True
    window: Annotated[
        int | None,
        _option("How many of each leg are fused. Default: max(100, size).", panel=_FUSED),
    ] = None
    rank_constant: Annotated[
        int | None,
        _option("k of reciprocal rank fusion: the larger, the flatter. Default: 60.", panel=_FUSED),
    ] = None
    weight: Annotated[
        list[str] | None,
        _option("Of a leg: bm25=2, knn=0.5; 1 by default.", metavar="LEG=NUMBER", panel=_FUSED),
    ] = None
    normalizer: Annotated[
        str | None,
        _option("Of linear: minmax (the default), l2_norm or none.", panel=_FUSED),
    ] = None
    min_score: Annotated[
        float | None, _option("Of linear: what scores less is left out.", panel=_FUSED)
    ] = None
    fusion: Annotated[
        str,
        _option(
            "client (here), native (Elasticsearch's own, which needs a licence; the same hits), "
            "or auto. Also rrf, linear or adaptive, for --method.",
            panel=_FUSED,
        ),
    ] = "auto"
    size: Annotated[int, _option("Number of hits.", "--size", "-k", panel=_SHOWN)] = 10
    start: Annotated[int, _option("Hits to skip.", "--from", panel=_SHOWN)] = 0
    collapse: Annotated[
        str | None,
        _option("Only the best hit for each value.", metavar="FIELD", panel=_SHOWN),
    ] = None
    facet: Annotated[
        list[str] | None,
        _option("Count the values of a field over all matches.", metavar="FIELD", panel=_SHOWN),
    ] = None
    exact_totals: Annotated[
        bool, _option("Count all matches, however many.", "--exact-totals", panel=_SHOWN)
    ] = False
    highlight: Annotated[
        bool, _option("Show the words found within their text.", "--highlight", panel=_SHOWN)
    ] = False
    explain: Annotated[
        bool,
        _option("Show what each leg gave to each hit, or why not.", "--explain", panel=_SHOWN),
    ] = False
    rerank: Annotated[
        str | None,
        _option(
            "A cross-encoder (name or folder, for sentence-transformers) that orders the best 100.",
            metavar="MODEL",
            panel=_SHOWN,
        ),
    ] = None
    mmr: Annotated[
        float | None,
        _option("0 to 1: makes hits differ from one another, the more the lower.", panel=_SHOWN),
    ] = None
    report: Annotated[
        Path | None,
        _option(
            "Write a page such as out.html: the hits, their pictures where they have some, and "
            "what --facet and --explain ask for.",
            metavar="FILE",
            panel=_SHOWN,
        ),
    ] = None
    as_json: Annotated[bool, _option("Print the result as JSON.", "--json", panel=_SHOWN)] = False
    allow_partial: Annotated[
        bool,
        _option(
            "Go on without a leg or shard that fails, and say so.", "--allow-partial", panel=_SENT
        ),
    ] = False
    timeout: Annotated[
        str | None, _option("How long each shard may search, such as 500ms.", panel=_SENT)
    ] = None
    opaque_id: Annotated[
        str | None, _option("X-Opaque-Id, to be found in the server's logs.", panel=_SENT)
    ] = None

    @property
    def example(self) -> str:
        """What is looked for without words."""
        if self.image is not None:
            return f"like the picture {self.image}"
        return "by its vector" if self.like is None else f"like {self.like}"

    def options(self, searcher: Searcher) -> dict[str, Any]:
        """Those of `Searcher.search` that were said; the rest is left to it.

        Raises:
            UsageError: a weight that is no number, or no vector to read.
        """
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        said = {_NAMES.get(name, name): value for name, value in said.items() if name not in _OURS}
        said |= _fusing(self.fusion, self.method)
        said |= {
            "vector": None if self.vector is None else read_vector(self.vector),
            "weights": _weights(self.weight),
            "aggs": _facets(searcher, self.facet),
            "highlight": _MARKED if self.highlight else False,
            "rerank": _reranker(self.rerank),
        }
        return {name: value for name, value in said.items() if value is not None}


# What `Searcher.search` calls them, and what it does not take.
_NAMES = {"weight": "weights", "start": "from_", "facet": "aggs"}
_OURS = {"embedder", "as_json", "report"}


def _fusing(fusion: str, method: str | None) -> dict[str, str | None]:
    """Who fuses and how; one word says either."""
    from es_hybrid.search.checks import choice
    from es_hybrid.search.options import Fusion, Method

    methods = get_args(Method)
    choice("--fusion", fusion, (*get_args(Fusion), *methods))
    if fusion not in methods:
        return {"fusion": fusion, "method": method}
    if method not in (None, fusion):
        raise UsageError(f"--fusion {fusion} and --method {method} contradict each other: give one")
    return {"fusion": "auto", "method": fusion}


def _weights(given: list[str] | None) -> dict[str, float] | None:
    said = pairs("--weight", given, mark="=", like="bm25=2")
    try:
        return {leg: float(number) for leg, number in said.items()} or None
    except ValueError:
        raise UsageError(f"--weight {given}: write a number for each leg, as in bm25=2") from None


def _facets(searcher: Searcher, fields: list[str] | None) -> dict[str, Any] | None:
    """An aggregation of the ten most frequent values for each field."""
    if not fields:
        return None
    return {field: {"terms": {"field": searcher.searched().whole_field(field)}} for field in fields}


def _reranker(model: str | None) -> Any:
    if model is None:
        return None
    from es_hybrid.rerank import CrossEncoderReranker

    return CrossEncoderReranker(model)
