"""Which picture embedder tells the labels of one's own pictures apart best."""

from es_hybrid.comparison.comparing import Compared, Comparison, compare, labelled
from es_hybrid.comparison.measured import Separation, separation

__all__ = ["Compared", "Comparison", "Separation", "compare", "labelled", "separation"]
