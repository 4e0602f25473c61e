"""What a searcher has learnt: the indices behind its name, their embedder, the server."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from time import perf_counter

from es_hybrid.capabilities import Capabilities
from es_hybrid.client import Client
from es_hybrid.contract import Contract
from es_hybrid.embedders import Embedder
from es_hybrid.embedders.base import Send
from es_hybrid.errors import InvalidIndexName, UsageError
from es_hybrid.json_values import shown
from es_hybrid.live import index_embedder, way
from es_hybrid.search.native import Route
from es_hybrid.search.searched import Searched, searched
from es_hybrid.steps import Steps, work

# Seconds. No answer shows that an index was deleted and made again under its name.
MAX_AGE = 60.0


class Known:
    """Read once, again when an answer shows that it is out of date, and each `MAX_AGE`.

    Args:
        name: an alias, index or pattern; several with commas.
        embedder: a name or an object; None takes the contract's.
        allowed: names of embedders that may be loaded on the word of an index; None takes those
            of `Settings.allowed_embedders`.
        route: of the client.
        client: the way to the cluster, for an embedder that computes there.
    """

    def __init__(
        self,
        name: str,
        *,
        embedder: str | Embedder | None,
        allowed: Collection[str] | None,
        route: Route,
        client: Client,
    ) -> None:
        if embedder is not None and not (isinstance(embedder, str) or hasattr(embedder, "info")):
            raise UsageError(f"embedder {shown(embedder)} is none: give a name, or an object")
        self.name = name
        self.route = route
        self._client = client
        self.scripts_refused = False
        self._given = embedder
        self._allowed = (allowed,) if isinstance(allowed, str) else allowed
        self._searched: Searched | None = None
        self._read_at = self._due = float("-inf")
        self._proven: dict[tuple[Contract | None, ...], Embedder] = {}

    def searched(self) -> Steps[Searched]:
        """The indices, as they were when they were read last, `MAX_AGE` ago at most."""
        now = perf_counter()
        if self._searched is not None and now < self._due:
            return self._searched
        self._due = now + MAX_AGE  # other searches of this moment need not read them as well
        return (yield from self.read())

    def read(self) -> Steps[Searched]:
        """Read the indices as they are now."""
        began = perf_counter()
        found = yield from searched(self.name)
        if began > self._read_at:  # others may have read meanwhile
            self._searched, self._read_at, self._due = found, began, began + MAX_AGE
        return found

    def changed(self, seen: Searched, *, since: float) -> Steps[bool]:
        """Whether the indices are others than `seen` by now, or hold other fields.

        Args:
            seen: as they were read.
            since: a moment of `perf_counter`; what was read after it is not read again.
        """
        if self._read_at <= since or self._searched is None:
            yield from self.read()
        return self._searched != seen

    def embedder(self, indices: Searched) -> Steps[Embedder]:
        """The embedder, proven once for each set of contracts.

        Raises:
            ContractError: it is another than one of the indices was made by.
        """
        indices.contract  # noqa: B018 - raises where they do not go together
        contracts = tuple(indices.contracts.values())
        if contracts not in self._proven:
            self._proven[contracts] = yield from work(self._prove, indices, way(self._client))
        return self._proven[contracts]

    def _prove(self, indices: Searched, send: Send) -> Embedder:
        given = self._given
        for index, contract in indices.contracts.items():
            if contract is not None:
                given = index_embedder(
                    contract, given, index=index, allowed=self._allowed, send=send
                )
        if given is None or isinstance(given, str):
            raise TypeError(f"{indices.name!r} has no index")
        return given

    def can(self) -> Steps[Capabilities]:
        """What the server can do."""
        return (yield from self.route.known())


def names(name: str | Sequence[str]) -> str:
    """One name or several, as Elasticsearch writes them.

    Raises:
        InvalidIndexName: there is none, or one is empty.
        UsageError: these are no names.

    >>> names(["films", "books-*"])
    'films,books-*'
    """
    given = [name] if isinstance(name, str) else name
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        raise UsageError(f"{name!r} names no index: give a name, or a list of names")
    parts = [part for one in given for part in one.split(",")]
    if not parts or not all(part.strip() for part in parts):
        raise InvalidIndexName(f"index name {name!r} is empty: name an index, such as 'my-docs'")
    return ",".join(parts)
