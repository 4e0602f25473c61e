"""The embedded Elasticsearch: the official server, fetched, started and stopped."""
