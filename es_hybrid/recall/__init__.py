"""Recall: how much of the nearest documents approximate kNN finds, and what it costs."""

from es_hybrid.recall.queries import Sampled, of_documents, of_words
from es_hybrid.recall.settings import Recall, Setting
from es_hybrid.recall.sweep import measure

__all__ = ["Recall", "Sampled", "Setting", "measure", "of_documents", "of_words"]
