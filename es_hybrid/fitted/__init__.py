"""Models that were fitted on the vectors of an index: they score documents, or sort them."""

from es_hybrid.fitted.model import Fitted, Kind, nearest, whole
from es_hybrid.fitted.stored import model_of
from es_hybrid.model_references import MODELS_INDEX

__all__ = [
    "MODELS_INDEX",
    "Fitted",
    "Kind",
    "model_of",
    "nearest",
    "whole",
]
