"""Clusters: what an index is about, by the vectors of its documents."""

from es_hybrid.clusters.clusters import Cluster, Found, Options, clusters

__all__ = ["Cluster", "Found", "Options", "clusters"]
