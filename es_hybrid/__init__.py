"""Hybrid search on Elasticsearch: BM25 and kNN, fused by rank, on any licence."""
