"""Clusters: what an index is about, by the vectors of its documents."""
