"""What to do about it: each advice with the number that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from es_hybrid.diagnosis.statistics import Agreement, Duplicates, Hubs, Lengths, Shape
from es_hybrid.evaluation.significance import Interval

# Where planted cases and the packaged embedders part; see tests/unit/test_diagnosis.py.
_CONE = 0.5  # mean cosine of two documents
_HUBS = 3.0  # skewness of how often a document is a neighbour
_FEW = 0.25  # effective rank, as a share of all dimensions
_MANY_TWINS = 0.05  # share of documents
_VARIED = 0.1  # lengths: standard deviation / mean
_OTHER_ORDER = 0.9  # share of neighbours that stay with another similarity
_ALIKE = 0.25  # contrast: the farthest is hardly farther than the nearest


class Advice(NamedTuple):
    """One thing to do, or to leave.

    Attributes:
        action: ``"keep"``, ``"centre"``, ``"use dot product"``, ``"weigh BM25 more"``,
            ``"fewer dimensions"`` or ``"collapse duplicates"``.
        because: the reason, with its number.
    """

    action: str
    because: str


def advised(
    *,
    dims: int,
    lengths: Lengths,
    shape: Shape,
    hubs: Hubs,
    duplicates: Duplicates,
    agreement: Agreement,
    judged: Mapping[str, Interval] | None = None,
) -> tuple[Advice, ...]:
    """What to do, the most important first; at least one.

    Args:
        dims: of the vectors.
        lengths: of the sample.
        shape: of the sample.
        hubs: of the sample.
        duplicates: of the sample.
        agreement: of similarities.
        judged: similarity -> its nDCG@10 on judged queries, where there are any.
    """
    found = (
        *_on_lengths(lengths, agreement, judged),
        *_on_directions(shape, hubs, dims),
        *_on_duplicates(duplicates),
    )
    return found or (
        Advice(
            "keep",
            "directions are spread, no documents are neighbours of everything, and the lengths "
            "that normalising takes away change no order worth the name",
        ),
    )


def _on_lengths(
    lengths: Lengths, agreement: Agreement, judged: Mapping[str, Interval] | None
) -> Iterator[Advice]:
    if judged is not None:
        cosine, dot = judged["cosine"], judged["dot product"]
        if cosine.high is not None and dot.mean > cosine.high:
            yield Advice(
                "use dot product",
                f"your judged queries have nDCG@10 {dot.mean:.3f} by dot product and "
                f"{cosine.mean:.3f} by cosine: rebuild with --similarity max_inner_product",
            )
    elif lengths.l2_variation > _VARIED and agreement.dot < _OTHER_ORDER:
        yield Advice(
            "use dot product",
            f"lengths differ (standard deviation {lengths.l2_variation:.0%} of the mean) and would "
            f"change {1 - agreement.dot:.0%} of the 10 nearest: normalising threw that away. If "
            "lengths mean something, such as popularity, try --similarity max_inner_product; "
            "judged queries (--queries, --qrels) would tell",
        )


def _on_directions(shape: Shape, hubs: Hubs, dims: int) -> Iterator[Advice]:
    if shape.anisotropy > _CONE:
        yield Advice(
            "centre",
            f"two documents have a cosine of {shape.anisotropy:.2f} on average: all lie in one "
            "cone, so cosines say little by themselves, and thresholds on them nothing. Ranks are "
            "less concerned; centring takes the common direction away",
        )
    if hubs.skewness > _HUBS or shape.contrast < _ALIKE:
        yield Advice(
            "weigh BM25 more",
            f"a few documents are neighbours of very many (skewness {hubs.skewness:.1f}, one of "
            f"{hubs.largest}; contrast {shape.contrast:.2f}): they push themselves into answers "
            "that they do not belong to, which words prevent",
        )
    if shape.effective_rank < _FEW * dims:
        yield Advice(
            "fewer dimensions",
            f"{dims} dimensions hold as much as {shape.effective_rank:.0f} even ones would: PCA "
            "saves memory and disk at little loss",
        )


def _on_duplicates(duplicates: Duplicates) -> Iterator[Advice]:
    if duplicates.documents > _MANY_TWINS:
        yield Advice(
            "collapse duplicates",
            f"{duplicates.documents:.0%} of the documents have a twin: they fill answers with the "
            "same; search with --collapse or --mmr, or remove them",
        )
