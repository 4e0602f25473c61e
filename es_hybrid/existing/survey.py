"""What is known of an index: whose vectors it has, how many are missing, how many are old."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.contract import Contract
from es_hybrid.errors import RecordError
from es_hybrid.existing.additions import has_vector
from es_hybrid.existing.index import Existing, existing_index
from es_hybrid.existing.run import text_hash, text_source
from es_hybrid.existing.since import marks
from es_hybrid.existing.texts import text_document
from es_hybrid.existing.versions import versions
from es_hybrid.indexing.pages import pages
from es_hybrid.indexing.patience import PATIENCE
from es_hybrid.indexing.patient import patient
from es_hybrid.indexing.scan import Found, Scan
from es_hybrid.texts import is_blank


@dataclass(slots=True)
class Survey:
    """An index as it was found.

    Attributes:
        name: what was asked for: an alias or an index.
        index: the index behind it.
        embedder: id of the embedder that made its vectors.
        text_fields: what is embedded and searched.
        analysis: the analysis profile; ``"own"`` where the index has its own.
        vector_field: where the vectors are.
        vector_index: its vector index type.
        similarity: what "near" means.
        passages: ``"TOKENS"`` or ``"TOKENS:OVERLAP"``; None where each text has one vector.
        adopted: whether another program made the vectors.
        other_versions: versions of the same name that exist beside it, oldest first.
        since: field -> the newest value that the last complete run with `since` had seen.
        documents: how many there are: current + missing + stale + without_text + unknown.
        current: documents whose vector is that of their text; or that have one, of pictures.
        missing: documents with a text, without a vector.
        stale: documents whose text is another than their vector was made of.
        without_text: documents with nothing to embed.
        unknown: documents whose vector came from another program, so that nobody knows.
    """

    name: str
    index: str
    embedder: str
    text_fields: tuple[str, ...]
    analysis: str
    vector_field: str
    vector_index: str
    similarity: str
    passages: str | None
    adopted: bool
    other_versions: tuple[str, ...]
    since: dict[str, Any] = field(default_factory=dict)
    documents: int = 0
    current: int = 0
    missing: int = 0
    stale: int = 0
    without_text: int = 0
    unknown: int = 0

    @property
    def complete(self) -> bool:
        """Whether every text has its vector."""
        return not (self.missing or self.stale)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def survey(client: Elasticsearch, name: str, *, patience: float = PATIENCE) -> Survey:
    """Look at every document of an index; nothing is embedded or written.

    Args:
        client: any `Elasticsearch` client; it is used, never changed.
        name: an index, or an alias of one.
        patience: seconds to wait for a server that refuses or cannot be reached.

    Raises:
        NoContract: it has no vectors that es_hybrid knows of.
        IndexNotFound: there is no such index.
        ServerError: the server refused, or cannot be reached.
    """
    client = patient(client, patience)
    index = existing_index(client, name)
    contract = index.promised
    found = _described(client, index, contract)
    scan = Scan(index.index, text_source(contract), has_vector(contract))
    with closing(pages(client, scan)) as read:
        for document in (one for page in read for one in page.documents):
            kind = _kind(document, contract, adopted=index.adopted)
            found.documents += 1
            setattr(found, kind, getattr(found, kind) + 1)
    return found


def _described(client: Elasticsearch, index: Existing, contract: Contract) -> Survey:
    alone = index.index == index.name
    others = [] if alone else versions(client, index.name)
    return Survey(
        name=index.name,
        index=index.index,
        embedder=contract.embedder.id,
        text_fields=contract.text_fields,
        analysis=contract.analysis,
        vector_field=contract.vector_field,
        vector_index=contract.vector_index,
        similarity=contract.similarity,
        passages=None if contract.passages is None else str(contract.passages),
        adopted=index.adopted,
        other_versions=tuple(one for one in others if one != index.index),
        since=dict(marks(index)),
    )


def _kind(found: Found, contract: Contract, *, adopted: bool) -> str:
    if contract.embedder.modality == "image":  # the hash is that of a picture, which is not here
        return "current" if found.has_vector else "missing"
    try:
        document = text_document(found, contract.text_fields, index="")
    except RecordError:
        return "missing"
    if is_blank(document.text):
        return "without_text"
    if not found.has_vector:
        return "missing"
    known = text_hash(found)
    if known is None and adopted:
        return "unknown"
    return "current" if known == document.text_hash else "stale"
