"""A linear map from the features of pictures to the space of a text embedder (extra: analysis)."""

from es_hybrid.alignment.captions import Captioned, read_captions
from es_hybrid.alignment.fitting import Alignment, Fitted, align, fitted
from es_hybrid.alignment.found import recall_at

__all__ = [
    "Alignment",
    "Captioned",
    "Fitted",
    "align",
    "fitted",
    "read_captions",
    "recall_at",
]
