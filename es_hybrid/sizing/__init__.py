"""Sizing: what vectors need in memory and on disk, before there is an index."""

from es_hybrid.sizing.sizes import Plan, Size, plan

__all__ = ["Plan", "Size", "plan"]
