"""Tuning: legs are asked once, and thousands of ways to fuse them are tried without a server."""

from es_hybrid.evaluation.tuning.known_items import tune_by_itself
from es_hybrid.evaluation.tuning.tune import Report, tune

__all__ = ["Report", "tune", "tune_by_itself"]
