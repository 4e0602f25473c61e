"""Word vectors: a text is the mean of its words, weighted by how rare they are (extra: ``words``).

The story: a text is cut into words (:mod:`tokens`), the vectors of a vocabulary are read from a
file that cannot run code (:mod:`files`), a text's words are averaged (:mod:`averages`) by the
embedder (:mod:`embedder`), and vectors of one's own corpus are trained (:mod:`training`).
"""

from es_hybrid.embedders.words.embedder import WordVectors
from es_hybrid.embedders.words.training import Trained, Training, train

__all__ = ["Trained", "Training", "WordVectors", "train"]
