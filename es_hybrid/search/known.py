"""What a searcher has learnt: the indices behind its name, their embedder, the server."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from es_hybrid.capabilities import Capabilities
from es_hybrid.contract import Contract
from es_hybrid.embedders import Embedder
from es_hybrid.live import index_embedder
from es_hybrid.search.native import Route
from es_hybrid.search.searched import Searched, searched
from es_hybrid.steps import Steps, work


class Known:
    """Read once, and again when an answer shows that it is out of date.

    Args:
        name: an alias, index or pattern; several with commas.
        embedder: a name or an object; None takes the contract's.
        allowed: names of embedders that may be loaded on the word of an index.
        route: of the client.
    """

    def __init__(
        self,
        name: str,
        *,
        embedder: str | Embedder | None,
        allowed: Collection[str],
        route: Route,
    ) -> None:
        self.name = name
        self.route = route
        self.scripts_refused = False
        self._given = embedder
        self._allowed = tuple(allowed)
        self._searched: Searched | None = None
        self._proven: dict[Contract, Embedder] = {}

    def searched(self) -> Steps[Searched]:
        """The indices, as they were when they were read last."""
        if self._searched is None:
            self._searched = yield from searched(self.name)
        return self._searched

    def moved(self, seen: Searched) -> Steps[bool]:
        """Read the indices again; whether they are others than `seen`, or promise otherwise."""
        self._searched = yield from searched(self.name)
        return self._searched.contracts != seen.contracts

    def embedder(self, indices: Searched) -> Steps[Embedder]:
        """The embedder, proven once for each contract."""
        contract = indices.contract
        if contract not in self._proven:
            self._proven[contract] = yield from work(self._prove, indices)
        return self._proven[contract]

    def _prove(self, indices: Searched) -> Embedder:
        given = self._given
        for index, contract in indices.contracts.items():
            if contract is not None:
                given = index_embedder(contract, given, index=index, allowed=self._allowed)
        if given is None or isinstance(given, str):
            raise TypeError(f"{indices.name!r} has no index")
        return given

    def can(self) -> Steps[Capabilities]:
        """What the server can do."""
        return (yield from self.route.known())


def names(name: str | Sequence[str]) -> str:
    """One name or several, as Elasticsearch writes them.

    >>> names(["films", "books-*"])
    'films,books-*'
    """
    return name if isinstance(name, str) else ",".join(name)
