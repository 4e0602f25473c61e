"""How the legs of an index are best fused, as `es-hybrid tune` found and wrote it.

It stands in the mapping's ``_meta`` beside the contract, and is read with it, so that a search
needs no request for it. It holds for one model and one list of text fields: of an index that was
made anew with others, it is left aside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal, get_args

from es_hybrid.contract import Contract
from es_hybrid.errors import UsageError
from es_hybrid.fusion import NORMALIZERS, RANK_CONSTANT, check_rank_constant, check_weights

TUNED_KEY = "es_hybrid_tuned"

FusionMethod = Literal["rrf", "linear", "adaptive"]

# What a hybrid search fuses.
LEGS = ("bm25", "knn")

# Of each leg, unless a search says otherwise.
WINDOW = 100

_LARGEST_WINDOW = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How two legs are fused; each name is that of an option of a search.

    Attributes:
        method: ``"rrf"``, ``"linear"`` or ``"adaptive"``.
        weights: of bm25 and knn, 0 and up.
        earned: of adaptive: whether these multiply what legs earn in each query, or are all.
        rank_constant: of rrf.
        normalizer: of linear.
        window: how many of each leg are fused.
        fields: of BM25, with boosts; None takes the text fields of the index.
    """

    method: FusionMethod = "rrf"
    weights: tuple[float, float] = (1.0, 1.0)
    earned: bool = True
    rank_constant: int = RANK_CONSTANT
    normalizer: str = "minmax"
    window: int = WINDOW
    fields: tuple[str, ...] | None = None

    def __str__(self) -> str:
        bm25, knn = self.weights
        fixed = "" if self.earned else " (fixed)"
        how = {"rrf": f" (k {self.rank_constant})", "linear": f" ({self.normalizer})"}
        how["adaptive"] = fixed
        parts = [f"{self.method}{how[self.method]}", f"bm25 {bm25:g} : knn {knn:g}"]
        parts += [f"window {self.window}"] if self.window != WINDOW else []
        parts += [f"fields {','.join(self.fields)}"] if self.fields else []
        return ", ".join(parts)


# What a hybrid search does of which nobody says anything else.
UNTUNED = Setting()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A setting, what it was tuned for, and what is known of it.

    Attributes:
        setting: how legs are fused.
        source: ``"judged"``: by judged queries; ``"self"``: by queries drawn from the documents.
        queries: how many there were.
        embedder: id of the model whose vectors are searched.
        text_fields: that BM25 searches.
        date: when, as ISO 8601.
    """

    setting: Setting
    source: Literal["judged", "self"]
    queries: int
    embedder: str
    text_fields: tuple[str, ...]
    date: str

    def to_meta(self) -> dict[str, Any]:
        """As JSON for ``_meta``."""
        return asdict(self)

    def fits(self, contract: Contract) -> bool:
        """Whether it was tuned for what the index is now."""
        return (self.embedder, self.text_fields) == (contract.embedder.id, contract.text_fields)


def tuned_of(body: Mapping[str, Any], contract: Contract | None) -> Tuned | None:
    """What stands in the mapping of an index, as ``GET /NAME`` tells it.

    ``_meta`` can be written by anybody, and a search needs no tuning: what cannot be read, or
    was tuned for another model, is none.

    Args:
        body: of one index.
        contract: of that index.
    """
    meta = body.get("mappings", {}).get("_meta")
    said = meta.get(TUNED_KEY) if isinstance(meta, Mapping) else None
    if contract is None or not isinstance(said, Mapping):
        return None
    try:
        tuned = _read(said)
    except (KeyError, TypeError, ValueError, UsageError):
        return None
    return tuned if tuned.fits(contract) else None


def _read(said: Mapping[str, Any]) -> Tuned:
    if said["source"] not in ("judged", "self"):
        raise ValueError(said["source"])
    return Tuned(
        setting=_setting(said["setting"]),
        source=said["source"],
        queries=int(said["queries"]),
        embedder=_text(said["embedder"]),
        text_fields=_texts(said["text_fields"]),
        date=_text(said["date"]),
    )


def _setting(said: Mapping[str, Any]) -> Setting:
    method, normalizer, window = said["method"], said["normalizer"], said["window"]
    if method not in get_args(FusionMethod) or normalizer not in NORMALIZERS:
        raise ValueError(method, normalizer)
    if type(window) is not int or not 1 <= window <= _LARGEST_WINDOW:
        raise ValueError(window)
    bm25, knn = (float(one) for one in check_weights(list(said["weights"]), len(LEGS)))
    if not (isfinite(bm25 + knn) and bm25 + knn > 0):
        raise ValueError(bm25, knn)
    fields = said.get("fields")
    return Setting(
        method=method,
        weights=(bm25, knn),
        earned=said["earned"] is True,
        rank_constant=check_rank_constant(said["rank_constant"]),
        normalizer=normalizer,
        window=window,
        fields=None if fields is None else _texts(fields),
    )


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list | tuple):
        raise TypeError(values)
    return tuple(_text(value) for value in values)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(value)
    return value
