"""What a stub writes back: the answer of an Elasticsearch, as bytes on the wire."""

from __future__ import annotations


def reply(status: int, body: bytes) -> bytes:
    """One answer; a client believes that an Elasticsearch gave it."""
    head = (
        f"HTTP/1.1 {status} X",
        "X-elastic-product: Elasticsearch",
        "content-type: application/vnd.elasticsearch+json;compatible-with=8",
        f"content-length: {len(body)}",
        "\r\n",
    )
    return "\r\n".join(head).encode() + body
