"""What a cluster is called: the terms that it has more of than the others, by c-TF-IDF.

Roots of frequencies let words that stand everywhere, and tell nothing, lose to those that stand in
few clusters (BERTopic's ``reduce_frequent_words``): no language needs a list of stop words. Of a
frequency counts what it is above that in the other clusters, as in a small index the words that
tell something are not frequent either.

Terms are those of the index itself (``_mtermvectors``), so that each language is cut as it is
searched, Korean into its morphemes where nori does so; every server has that, also the embedded
one. A stem is shown as the word that stands in most texts for it.

Grootendorst, "BERTopic: Neural topic modeling with a class-based TF-IDF procedure", 2022,
arXiv 2203.05794.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.fitted.model import Floats
from es_hybrid.objects import value_at

WORDS = 5

_TOGETHER = 50  # documents of one request
_FEWEST = 2  # documents of a cluster that have a term: else it is one document's own

# Of each term of a document: the stem as the index has it, and the word of the text.
Terms = Sequence[tuple[str, str]]


def words_of(clusters: Sequence[Sequence[Terms]], *, most: int = WORDS) -> list[tuple[str, ...]]:
    """The words that tell each cluster from the others, the best first.

    Args:
        clusters: of each, the terms of some of its documents.
        most: so many words.
    """
    counts = [_counted(documents) for documents in clusters]
    known = sorted({stem for one in counts for stem in one})
    if not known:
        return [()] * len(clusters)
    weights = weighted(np.array([[one[stem] for stem in known] for one in counts], np.float64))
    shown = _shown(terms for documents in clusters for terms in documents)
    return [
        tuple(shown[known[place]] for place in np.argsort(-row, kind="stable")[:most] if row[place])
        for row in weights
    ]


def weighted(counts: Floats) -> Floats:
    """Weights, √max(0, tf - tf') · log(1 + A / f).

    tf is a term's share of a cluster, tf' its share of all others together, f its count in all, and
    A the terms of one cluster on average.

    Args:
        counts: float64, shape (clusters, terms).
    """
    totals = counts.sum(axis=0)
    sizes = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(sizes, 1)
    others = (totals - counts) / np.maximum(sizes.sum() - sizes, 1)
    rare = np.log(1 + sizes.mean() / np.maximum(totals, 1))
    found: Floats = np.sqrt(np.maximum(shares - others, 0)) * rare
    return found


def terms_of(
    client: Elasticsearch,
    index: str,
    ids: Sequence[str],
    sources: Mapping[str, Mapping[str, Any]],
    fields: Sequence[str],
) -> Iterator[tuple[str, Terms]]:
    """Each document with its terms; without those of fields that are not analysed.

    Args:
        client: whose cluster is asked.
        index: which has the documents.
        ids: of the documents.
        sources: id -> the texts, in which words stand as people wrote them.
        fields: full names of the text fields.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    asked = {"fields": list(fields), "offsets": True, "positions": False, "payloads": False}
    asked |= {"field_statistics": False, "term_statistics": False}
    for start in range(0, len(ids), _TOGETHER):
        body = {"ids": ids[start : start + _TOGETHER], "parameters": asked}
        answer = request(client, "POST", path(index, "_mtermvectors"), body=body)
        for told in answer["docs"]:
            vectors = told.get("term_vectors", {})
            source = sources.get(told["_id"], {})
            found = [
                pair
                for field, vector in vectors.items()
                for pair in _pairs(vector["terms"], value_at(source, field))
            ]
            yield told["_id"], found


def _pairs(terms: Mapping[str, Any], text: Any) -> Iterator[tuple[str, str]]:
    for stem, told in terms.items():
        if not _speaks(stem):
            continue
        for token in told.get("tokens", ()):
            word = _word(text, token)
            yield stem, word or stem


def _word(text: Any, token: Mapping[str, int]) -> str:
    """As it stands in the text; of a list of texts, offsets say nothing."""
    if not isinstance(text, str):
        return ""
    # Lucene counts UTF-16 units, of which a letter beyond the first plane has two.
    units = text.encode("utf-16-le")
    start, end = token.get("start_offset", 0), token.get("end_offset", 0)
    return units[2 * start : 2 * end].decode("utf-16-le", errors="ignore").lower()


def _speaks(stem: str) -> bool:
    """Whether a term is a word: no number, and no single letter of an alphabet."""
    letters = sum(map(str.isalpha, stem))
    return letters > 1 or (letters == 1 and len(stem) == 1 and not stem.isascii())


def _counted(documents: Sequence[Terms]) -> Counter[str]:
    counts = Counter(stem for terms in documents for stem, _ in terms)
    having = Counter(stem for terms in documents for stem in {stem for stem, _ in terms})
    least = min(_FEWEST, len(documents))
    return Counter({stem: many for stem, many in counts.items() if having[stem] >= least})


def _shown(documents: Iterable[Terms]) -> dict[str, str]:
    words: dict[str, Counter[str]] = {}
    for terms in documents:
        for stem, word in terms:
            words.setdefault(stem, Counter())[word] += 1
    return {stem: many.most_common(1)[0][0] for stem, many in words.items()}
