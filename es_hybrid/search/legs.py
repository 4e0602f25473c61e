"""Which ranked lists a search fuses, as the caller writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from es_hybrid.errors import UsageError
from es_hybrid.filters import Filters, clauses, is_clause
from es_hybrid.fusion import LARGEST_FLOAT32, NORMALIZERS
from es_hybrid.hits import LegKind
from es_hybrid.json_values import shown
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
from es_hybrid.search.kinds import is_name
from es_hybrid.vector_index import MAX_CANDIDATES
from es_hybrid.vectors import Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One ranked list; made by :meth:`bm25`, :meth:`knn` and :meth:`query`.

    Attributes:
        name: what the hits call it; no two legs of a search have the same.
        kind: what it ranks by.
        weight: what its part of the fused score is multiplied by, 0 and up.
        normalizer: of linear fusion, where it differs from that of the search.
        filter: what this leg alone is limited to.
        text: words for BM25, or for the embedder; None takes those of the search.
        fields: of a BM25 leg; None takes those of the search.
        vector: what a kNN leg looks for, float32, shape (dims,); None embeds the words.
        field: the vector field; None takes the one that es_hybrid writes.
        k: how many a kNN leg finds; None takes the window.
        num_candidates: of an approximate kNN leg; None takes what reaches a recall of 0.97.
        oversample: of one in a quantised index; None takes what goes with that recall.
        minimum: what is worse is not found: a cosine for kNN, a score for others.
        body: the query of a leg of one's own.
    """

    name: str
    kind: LegKind
    weight: float = 1.0
    normalizer: str | None = None
    filter: Filters = None
    text: str | None = None
    fields: tuple[str, ...] | None = None
    vector: Vectors | None = None
    field: str | None = None
    k: int | None = None
    num_candidates: int | None = None
    oversample: float | None = None
    minimum: float | None = None
    body: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise UsageError(f"a leg is called {self.name!r}: give it a name, such as 'titles'")
        if self.field is not None and not is_name(self.field):
            raise UsageError(f"leg {self.name!r} has the field {self.field!r}: give its name")
        clauses(self.filter, fields=None)
        number(f"leg {self.name!r}: weight", self.weight, least=0, most=LARGEST_FLOAT32)
        if self.normalizer is not None:
            choice(f"normalizer of leg {self.name!r}", self.normalizer, list(NORMALIZERS))
        if self.minimum is not None:
            least, most = (-1.0, 1.0) if self.kind == "knn" else (0.0, inf)
            number(f"leg {self.name!r}: minimum", self.minimum, least=least, most=most)
        for name in ("k", "num_candidates"):
            if (value := getattr(self, name)) is not None:
                whole(f"leg {self.name!r}: {name}", value, least=1, most=MAX_CANDIDATES)
        if self.oversample is not None:
            oversampling(f"leg {self.name!r}: oversample", self.oversample)

    @classmethod
    def bm25(
        cls,
        name: str = "bm25",
        *,
        text: str | None = None,
        fields: Fields | None = None,
        weight: float = 1.0,
        minimum: float | None = None,
        filter: Filters = None,  # noqa: A002 - Elasticsearch's own word
        normalizer: str | None = None,
    ) -> Leg:
        """The best documents by BM25 of their best field.

        Args:
            name: of the leg.
            text: words instead of those of the search; they have no syntax.
            fields: such as ``["title^2", "text"]``; None takes those of the search.
            weight: 0 and up.
            minimum: the lowest BM25 score.
            filter: this leg alone.
            normalizer: of linear fusion: ``"none"``, ``"minmax"`` or ``"l2_norm"``.

        Raises:
            UsageError: an argument that can never work.
        """
        return cls(
            name=name,
            kind="bm25",
            weight=weight,
            normalizer=normalizer,
            filter=filter,
            text=None if text is None else words(text),
            fields=None if fields is None else field_list(fields),
            minimum=minimum,
        )

    @classmethod
    def knn(
        cls,
        name: str = "knn",
        *,
        text: str | None = None,
        vector: Any = None,
        field: str | None = None,
        k: int | None = None,
        num_candidates: int | None = None,
        oversample: float | None = None,
        weight: float = 1.0,
        minimum: float | None = None,
        filter: Filters = None,  # noqa: A002
        normalizer: str | None = None,
    ) -> Leg:
        """The nearest documents by their vectors.

        Args:
            name: of the leg.
            text: words to embed instead of those of the search.
            vector: numbers to look for; needed for any other field than es_hybrid's own, as
                nobody can prove which model made that.
            field: a ``dense_vector`` field; None takes the one that es_hybrid writes.
            k: how many it finds, 1 to 10,000; more than the window are cut.
            num_candidates: how many vectors each shard looks at, up to 10,000.
            oversample: of a quantised index, how many candidates per hit are scored again with the
                exact vectors: 1 to 10, or 0 for none.
            weight: 0 and up.
            minimum: the lowest cosine, -1 to 1.
            filter: this leg alone.
            normalizer: as for :meth:`bm25`.

        Raises:
            UsageError: an argument that can never work.
            VectorError: the vector is none.
        """
        if field is not None and vector is None:
            raise UsageError(
                f"leg {name!r} searches field {field!r} by words, and nobody can prove which model "
                "made its vectors: give the vector to look for"
            )
        return cls(
            name=name,
            kind="knn",
            weight=weight,
            normalizer=normalizer,
            filter=filter,
            text=None if text is None else words(text),
            vector=None if vector is None else given_vector(vector),
            field=field,
            k=k,
            num_candidates=num_candidates,
            oversample=oversample,
            minimum=minimum,
        )

    @classmethod
    def query(
        cls,
        name: str,
        body: Mapping[str, Any],
        *,
        weight: float = 1.0,
        minimum: float | None = None,
        filter: Filters = None,  # noqa: A002
        normalizer: str | None = None,
    ) -> Leg:
        """The best documents by a query of one's own: function_score, sparse_vector, semantic.

        It is sent as it is: never put what a person typed into it, but into ``match``.
        https://www.elastic.co/docs/reference/query-languages/querydsl

        Args:
            name: of the leg.
            body: one query clause, such as ``{"match": {"title": "tea"}}``.
            weight: 0 and up.
            minimum: the lowest score.
            filter: this leg alone.
            normalizer: as for :meth:`bm25`.

        Raises:
            UsageError: the body is no clause, or another argument can never work.
        """
        if not is_clause(body):
            raise UsageError(
                f"leg {name!r} holds {shown(body)}: give one query clause, such as "
                '{"match": {"title": "tea"}}'
            )
        return cls(
            name=name,
            kind="query",
            weight=weight,
            normalizer=normalizer,
            filter=filter,
            body=body,
            minimum=minimum,
        )
