"""Indexing: plan what changed -> embed -> send -> report."""

from es_hybrid.indexing.indexer import Indexer
from es_hybrid.indexing.report import Progress, Report

__all__ = ["Indexer", "Progress", "Report"]
