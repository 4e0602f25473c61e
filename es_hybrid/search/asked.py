"""What is searched for: every argument that can never work is refused before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from numbers import Integral
from pathlib import Path
from typing import Any, Literal, get_args

from es_hybrid.errors import UsageError
from es_hybrid.filters import Filters
from es_hybrid.fusion import NORMALIZERS, RANK_CONSTANT, check_rank_constant
from es_hybrid.hits import MODES, Mode
from es_hybrid.json_values import shown
from es_hybrid.rerank import Reranker
from es_hybrid.search.checks import (
    Fields,
    choice,
    field_list,
    given_vector,
    number,
    oversampling,
    whole,
    words,
)
from es_hybrid.search.headers import checked_headers
from es_hybrid.search.kinds import check_kinds, is_name
from es_hybrid.search.legs import Leg
from es_hybrid.search.options import Fusion, Method, Options
from es_hybrid.search.point_in_time import PointInTime
from es_hybrid.search.queries import NORMALIZER
from es_hybrid.search.together import check_together
from es_hybrid.vector_index import MAX_CANDIDATES
from es_hybrid.vectors import Vectors

# How many of each leg are fused. Elasticsearch's default of 10 is too few to find a document
# that both legs hold at rank 15.
WINDOW = 100

# Elasticsearch's index.max_result_window.
MAX_SIZE = 10_000

# How many hits a reranker reads, each a pass of a model.
RERANK_WINDOW = 100

_NAMES = tuple(Options.__annotations__)

# What says how legs are fused, so that what an index was tuned to is left aside.
_FUSING = ("legs", "method", "weights", "rank_constant", "normalizer", "min_score", "fields")

# What kNN may look for instead of the words.
_EXAMPLES = ("vector", "image", "like")

# How deep an approximate kNN leg looks.
_DEPTHS = ("num_candidates", "oversample")

# What legs of one's own say themselves.
_OF_MODES = ("mode", "vector", "min_cosine", "min_bm25", *_DEPTHS)

# Kinds of values that stay as they are, and that can be compared with those of other searches.
_PLAIN = frozenset([bool, float, int, str, type(None)])

_DURATION = re.compile(r"[1-9]\d*(ms|s|m)")


@dataclass(slots=True, kw_only=True)
class Asked:
    """One search as the caller wants it; what is not described here is in `Options`.

    Attributes:
        query: words for BM25 legs, and for the embedder of legs without a vector.
        vector: what the kNN leg of a mode looks for, instead of the embedded words.
        image: the picture that it looks for.
        like: id of the document that it looks for.
        mode: which legs run.
        legs: these.
        window: how many each leg returns.
        earned: whether the weights of adaptive fusion are multiplied by what legs earn.
        tunable: whether a setting of the index holds, should it have one.
        settled_by: who says how legs are fused.
        window_given: whether the caller said how deep.
        start: hits to skip.
        highlight: Elasticsearch's ``highlight`` object, but for its query.
        headers: to send, X-Opaque-Id among them.
    """

    query: str | None
    vector: Vectors | None
    image: Any
    like: str | None
    mode: Mode
    legs: tuple[Leg, ...]
    fields: tuple[str, ...] | None
    filters: Filters
    exact: bool
    method: Method
    window: int
    rank_constant: int
    normalizer: str
    min_score: float | None
    fusion: Fusion
    earned: bool
    tunable: bool
    settled_by: Literal["default", "given", "tuned", "self-tuned"]
    window_given: bool
    size: int
    start: int
    pit: PointInTime | None
    collapse: str | None
    source: bool | tuple[str, ...]
    highlight: Mapping[str, Any] | None
    aggs: Mapping[str, Any] | None
    exact_totals: bool
    explain: bool
    rerank: Reranker | None
    rerank_window: int
    mmr: float | None
    allow_partial: bool
    timeout: str | None
    preference: str | None
    headers: Mapping[str, str]

    @property
    def fused(self) -> bool:
        """Whether there is something to fuse."""
        return len(self.legs) > 1

    @property
    def embeds_words(self) -> bool:
        """Whether kNN looks for the words, as nothing else was given."""
        return self.vector is None and self.image is None and self.like is None


def asked(query: str | None, options: Options) -> Asked:
    """The arguments of a search, checked as far as they can be without the index.

    Raises:
        UsageError: one of them, or two together, can never work.
        VectorError: the vector is none.
    """
    rest: Any = {**options}
    vector, image, like = (rest.pop(name, None) for name in _EXAMPLES)
    given = _check_examples(vector=vector, image=image, like=like)
    checked = _rest(rest, has_words=query is not None, has_vector=given)
    return Asked(
        query=None if query is None else words(query),
        vector=None if vector is None else given_vector(vector),
        image=image,
        like=like,
        **checked,
    )


def _check_examples(**given: Any) -> bool:
    """Whether there is something that kNN looks for instead of the words.

    Raises:
        UsageError: there are several, or one is of a kind that can never work.
    """
    said = [name for name, value in given.items() if value is not None]
    if len(said) > 1:
        raise UsageError(f"{said[0]} and {said[1]} are both given: kNN looks for one of them")
    image, like = given["image"], given["like"]
    if like is not None and not is_name(like):
        raise UsageError(f"like {shown(like)} cannot be used: give the id of a document")
    readable = isinstance(image, str | bytes | Path) or hasattr(image, "getexif")
    if image is not None and not readable:
        raise UsageError(
            f"image {shown(image)} cannot be used: give a file, its bytes, or a picture of Pillow's"
        )
    return bool(said)


def _rest(options: Options, *, has_words: bool, has_vector: bool) -> Mapping[str, Any]:
    """All of `Asked` but the words and the vector, which alone differ in most searches.

    What is asked for again and again is looked through once, where it is of `_PLAIN` kinds.
    """
    kinds = tuple(map(type, options.values()))
    if not _PLAIN.issuperset(kinds):
        return _checked(options, has_words=has_words, has_vector=has_vector)
    return _alike(tuple(options.items()), kinds, has_words, has_vector)


@lru_cache(maxsize=128)
def _alike(
    options: tuple[tuple[str, Any], ...],
    _kinds: tuple[type, ...],
    has_words: bool,
    has_vector: bool,
) -> Mapping[str, Any]:
    """As `_checked`; the kinds tell 1 from True, which is equal to it."""
    same: Any = dict(options)
    return _checked(same, has_words=has_words, has_vector=has_vector)


def _checked(options: Options, *, has_words: bool, has_vector: bool) -> Mapping[str, Any]:
    _check_names(options)
    check_kinds(options)
    legs, mode = _legs(options, has_words=has_words, has_vector=has_vector)
    check_together(legs, options)
    size, start, window = _sizes(options, fused=len(legs) > 1)
    return {
        "mode": mode,
        "legs": legs,
        "fields": None if (fields := options.get("fields")) is None else field_list(fields),
        "filters": options.get("filter"),
        "exact": options.get("exact", False),
        "window": window,
        "size": size,
        "start": start,
        "pit": _point_in_time(options.get("pit")),
        "collapse": options.get("collapse"),
        "source": _source(options.get("source", True)),
        "highlight": _highlight(options.get("highlight", False)),
        "aggs": options.get("aggs"),
        "exact_totals": options.get("exact_totals", False),
        "explain": options.get("explain", False),
        "rerank": _reranker(options.get("rerank"), has_words=has_words),
        "rerank_window": whole(
            "rerank_window", options.get("rerank_window", RERANK_WINDOW), least=1, most=MAX_SIZE
        ),
        "mmr": _fraction("mmr", options.get("mmr")),
        **_combining(options),
        **_settling(options, fused=len(legs) > 1),
        **_sending(options),
    }


def _check_names(options: Options) -> None:
    for name in options:
        if name not in _NAMES:
            near = get_close_matches(name, _NAMES, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_NAMES)}"
            raise UsageError(f"a search has no option {name!r}: {hint}")


def _combining(options: Options) -> dict[str, Any]:
    """How legs are fused."""
    method = choice("method", options.get("method", "rrf"), get_args(Method))
    normalizer = options.get("normalizer", NORMALIZER)
    for name in ("normalizer", "min_score"):
        if method != "linear" and options.get(name) is not None:
            raise UsageError(f"{name} is of linear fusion: take method='linear', or leave it out")
    least = options.get("min_score")
    return {
        "method": method,
        "rank_constant": check_rank_constant(options.get("rank_constant", RANK_CONSTANT)),
        "normalizer": choice("normalizer", normalizer, list(NORMALIZERS)),
        "min_score": None if least is None else number("min_score", least, least=0),
        "fusion": choice("fusion", options.get("fusion", "auto"), get_args(Fusion)),
    }


def _settling(options: Options, *, fused: bool) -> dict[str, Any]:
    """Who says how legs are fused.

    Elasticsearch's own fusion knows no adaptive weights, so that whoever insists on it says how.
    """
    given = any(options.get(name) is not None for name in _FUSING)
    free = fused and not given and options.get("fusion") != "native"
    return {
        "earned": True,
        "tunable": free and options.get("tuned", True),
        "settled_by": "given" if given else "default",
        "window_given": options.get("window") is not None,
    }


def _sending(options: Options) -> dict[str, Any]:
    """How the search is sent."""
    timeout = options.get("timeout")
    if timeout is not None and not (isinstance(timeout, str) and _DURATION.fullmatch(timeout)):
        raise UsageError(f"timeout {timeout!r} is no duration: write it like 500ms or 2s")
    return {
        "allow_partial": options.get("allow_partial", False),
        "timeout": timeout,
        "preference": options.get("preference"),
        "headers": checked_headers(options.get("headers"), options.get("opaque_id")),
    }


def _legs(options: Options, *, has_words: bool, has_vector: bool) -> tuple[tuple[Leg, ...], Mode]:
    """Which legs run, weighted, and what that is called."""
    given = options.get("legs")
    make = _legs_of_mode if given is None else _own_legs
    legs, mode = make(options, has_words=has_words, has_vector=has_vector)
    weights = options.get("weights") or {}
    names = [leg.name for leg in legs]
    if unknown := [name for name in weights if name not in names]:
        raise UsageError(
            f"a weight for {unknown[0]!r}, which is no leg: there are {', '.join(names)}"
        )
    if not weights:
        return tuple(legs), mode
    return tuple(replace(leg, weight=weights.get(leg.name, leg.weight)) for leg in legs), mode


def _own_legs(options: Options, *, has_words: bool, has_vector: bool) -> tuple[Sequence[Leg], Mode]:
    legs = list(options.get("legs") or ())
    if not legs:
        raise UsageError("legs are an empty list: give one leg, or leave it out")
    given = {name: options.get(name) is not None for name in _OF_MODES} | {"vector": has_vector}
    if twice := [name for name, is_given in given.items() if is_given]:
        raise UsageError(f"{twice[0]} and legs are both given: say it in the legs alone")
    for leg in legs:
        if not isinstance(leg, Leg):
            raise UsageError(f"{leg!r} is no leg: make one with Leg.bm25, Leg.knn or Leg.query")
        if leg.kind != "query" and leg.vector is None and leg.text is None and not has_words:
            raise UsageError(f"leg {leg.name!r} has no words: give a query, or text= in the leg")
    names = [leg.name for leg in legs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"two legs are called {twice[0]!r}: give each its own name")
    return legs, "hybrid" if len(legs) > 1 else legs[0].kind


def _legs_of_mode(
    options: Options, *, has_words: bool, has_vector: bool
) -> tuple[Sequence[Leg], Mode]:
    mode = options.get("mode") or ("knn" if has_vector and not has_words else "hybrid")
    _check_mode(mode, has_words=has_words, has_vector=has_vector)
    _check_depths(options, mode=mode)
    least_score, least_cosine = options.get("min_bm25"), options.get("min_cosine")
    if mode == "knn" and least_score is not None:
        raise UsageError("min_bm25 is about BM25, which mode 'knn' does not run: leave it out")
    if mode == "bm25" and least_cosine is not None:
        raise UsageError("min_cosine is about kNN, which mode 'bm25' does not run: leave it out")
    legs = []
    if has_words and mode != "knn":
        legs.append(Leg.bm25(minimum=least_score))
    if mode != "bm25":
        candidates, oversample = options.get("num_candidates"), options.get("oversample")
        near = Leg.knn(minimum=least_cosine, num_candidates=candidates, oversample=oversample)
        legs.append(near)
    return legs, mode


def _check_mode(mode: str, *, has_words: bool, has_vector: bool) -> None:
    choice("mode", mode, MODES)
    if not (has_words or has_vector):
        raise UsageError(
            "there is nothing to search for: give some words, a vector, a picture or a document"
        )
    if not has_words and mode != "knn":
        raise UsageError(f"mode {mode!r} searches for words as well: give some, or take mode knn")
    if has_vector and mode == "bm25":
        raise UsageError("mode 'bm25' searches for words alone: leave the vector out")


def _check_depths(options: Options, *, mode: str) -> None:
    exact = options.get("exact", False)
    given = [name for name in _DEPTHS if options.get(name) is not None]
    if mode == "bm25" and (exact or given):
        word = "exact" if exact else given[0]
        raise UsageError(f"{word} is about kNN, which mode 'bm25' does not run: leave it out")
    if exact and given:
        raise UsageError(f"an exact search compares all vectors: leave {given[0]} out")
    if (candidates := options.get("num_candidates")) is not None:
        whole("num_candidates", candidates, least=1, most=MAX_CANDIDATES)
    if (oversample := options.get("oversample")) is not None:
        oversampling("oversample", oversample)


def _sizes(options: Options, *, fused: bool) -> tuple[int, int, int]:
    """Number of hits, how many are skipped, and how deep each leg goes."""
    size = whole("size", options.get("size", 10), least=0, most=MAX_SIZE)
    start = whole("from", options.get("from_", 0), least=0, most=MAX_SIZE)
    window = options.get("window")
    later = any(options.get(name) is not None for name in ("rerank", "mmr", "collapse"))
    if window is None and not (fused or later):
        return size, start, whole("from + size", max(start + size, 1), least=1, most=MAX_SIZE)
    fits = isinstance(window, Integral) and max(size, 1) <= int(window) <= MAX_SIZE
    if window is not None and not fits:
        raise UsageError(f"window {window!r} is not between size {size} and {MAX_SIZE}")
    depth = max(WINDOW, size) if window is None else int(window)
    if start >= depth:
        raise UsageError(
            f"from {start} lies past the window: the {depth} best of each leg are fused, and "
            f"nothing is known beyond; take a window above {start} (up to {MAX_SIZE}), the same "
            "for all pages"
        )
    return size, start, depth


def _source(given: Any) -> bool | tuple[str, ...]:
    return given if isinstance(given, bool) else _plain_fields("source", given)


def _plain_fields(what: str, given: Fields) -> tuple[str, ...]:
    fields = field_list(given)
    if boosted := [name for name in fields if "^" in name]:
        raise UsageError(f"{what} has {boosted[0]!r}: boosts are of fields that are searched")
    return fields


def _highlight(given: Any) -> Mapping[str, Any] | None:
    """Elasticsearch's object; without fields it is that of all that are searched."""
    if given is None or given is False:
        return None
    if isinstance(given, Mapping):
        return given
    if given is True:
        return {"order": "score"}  # the best piece of text first
    fields: dict[str, Any] = {name: {} for name in _plain_fields("highlight", given)}
    return {"order": "score", "fields": fields}


def _fraction(what: str, value: float | None) -> float | None:
    return None if value is None else number(what, value, least=0, most=1)


def _reranker(given: Reranker | None, *, has_words: bool) -> Reranker | None:
    if given is not None and not has_words:
        raise UsageError("a reranker compares the hits with words: give a query, or leave it out")
    return given


def _point_in_time(given: Any) -> PointInTime | None:
    if given is not None and not isinstance(given, PointInTime):
        raise UsageError(
            f"pit {given!r} is none of this searcher's: open one with open_point_in_time()"
        )
    return given
