"""Sources: lazy readers that yield records and say where each one stood."""

from es_hybrid.sources.base import Item, Source, memory
from es_hybrid.sources.jsonl import JsonLines

__all__ = ["Item", "JsonLines", "Source", "memory"]
