"""Indexing: plan what changed -> embed -> send -> report."""

from es_hybrid.indexing.indexer import AsyncIndexer, Indexer
from es_hybrid.indexing.report import Progress, Report

__all__ = ["AsyncIndexer", "Indexer", "Progress", "Report"]
