"""Sending: every document of a batch is settled exactly once, or comes back unsent.

What passes by itself is waited for: a full queue, a restart, a block. What does not is the
document's own fault, or stops the run.
https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from es_hybrid.client import path
from es_hybrid.documents import Document
from es_hybrid.errors import (
    AliasMoved,
    IndexNotFound,
    RequestRefused,
    ServerError,
    ServerUnreachable,
)
from es_hybrid.indexing.answers import Verdict, never_fits, of_item, reason
from es_hybrid.indexing.bulk import Prepared
from es_hybrid.indexing.in_use import check_in_use
from es_hybrid.indexing.patience import Requests, Trouble, verdict_of
from es_hybrid.refusals import explain, failure

# A document that the server fails on (5xx) so often is one that it cannot take; so is one that
# it is too busy for (429) so often, or whose request it fails on as a whole, while it takes others.
ATTEMPTS = 8

# A whole request that is answered 500 so often may have one document to blame.
_WHOLE_ATTEMPTS = 4

_TOO_LARGE, _FAILED = 413, 500

_NEVER_FITS = ": make it smaller, or give the nodes a larger heap"

# All that is looked at of an answer; the rest is five times as much to write and to read.
_LOOKED_AT = {"filter_path": "errors,items.*.status,items.*.error"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one document that was refused.

    Attributes:
        document: the document.
        reason: why, in one line.
        kind: Elasticsearch's type of the error, such as ``"document_parsing_exception"``.
        attempts: how often it was sent.
    """

    document: Document
    reason: str
    kind: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a batch: each document is in one of three lists, in no promised order.

    Attributes:
        written: those that are in the index now.
        refused: those that cannot be.
        unsent: those that are not known to be written; sending them again is safe.
        error: why there are such; None where all are settled.
    """

    written: list[Document]
    refused: list[Outcome]
    unsent: list[Document] = field(default_factory=list)
    error: ServerError | None = None


class Sender:
    """Writes batches to one index; several threads may share it.

    Items answered 429 or 5xx are sent again alone, after a pause; so are whole requests. A blocked
    index or cluster is waited for. A broken connection or an unreadable answer sends all again,
    which is safe because ids are stable. A request that is too large is halved, and so is one
    that the server fails on again and again, until the document that spoils it is alone.

    Args:
        requests: how they are sent, and how long is waited.
        index: what is written to.
        alias: one that stands for this index alone, and is gone with it; None where there is none.
            Elasticsearch makes an index that is deleted anew with the next document, without
            mapping or contract; an alias it never makes.
        name: what people call the index: an alias that may be moved to another one, after which
            nobody waits until this one can be written to; None where that cannot be.
    """

    def __init__(
        self,
        requests: Requests,
        index: str,
        *,
        alias: str | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name
        self.requests = requests
        self.patience = requests.patience
        self.index = index
        self.path = path(alias or index, "_bulk")
        self._params = {**_LOOKED_AT, **({"require_alias": "true"} if alias else {})}

    def send(self, batch: Sequence[Prepared]) -> Sent:
        """Write a batch. A `ServerError` is not raised, but told; then nobody goes on waiting."""
        way = _Way(self, batch)
        try:
            way.go()
        except ServerError as error:
            self.patience.stop(error)
            return Sent(way.written, way.refused, way.unsent, error)
        return Sent(way.written, way.refused)

    def post(self, batch: Sequence[Prepared]) -> tuple[bool, list[Any]]:
        """One request: whether all of it was taken, and the items of the answer.

        Raises:
            ServerError: refused as a whole, or no answer that can be read.
        """
        body = b"".join([item.lines for item in batch])
        answer = self.requests.once("POST", self.path, params=self._params, body=body)
        items = answer.get("items", []) if isinstance(answer, dict) else []
        if len(items) != len(batch):
            raise ServerUnreachable(
                f"the answer to a bulk request has {len(items)} items for {len(batch)} documents: "
                "something between here and Elasticsearch cuts answers off"
            )
        return answer.get("errors") is False, items

    def check_in_use(self) -> None:
        """Refuse to wait for an index that was closed as another one took its place.

        Raises:
            AliasMoved: the name stands for another one.
        """
        if self.name is None:
            return
        try:
            check_in_use(self.requests.client, self.name, self.index)
        except AliasMoved:
            raise
        except ServerError:
            return  # without a master nobody knows, and that passes

    def refusal(self, told: dict[str, Any]) -> ServerError:
        """What an item was told, as an exception."""
        url = ", ".join(node.base_url for node in self.requests.client.transport.node_pool.all())
        return failure(told["status"], told, what=f"POST {self.path}", url=url)


@dataclass(slots=True)
class _Group:
    """Documents of one request.

    Attributes:
        items: at least one.
        attempts: how often they were sent.
        failures: how often all of it was answered 500.
    """

    items: list[Prepared]
    attempts: int = 0
    failures: int = 0

    def halves(self) -> tuple[_Group, _Group]:
        middle = len(self.items) // 2
        return replace(self, items=self.items[:middle]), replace(self, items=self.items[middle:])


class _Way:
    """One batch on its way: `groups` shrink until all is settled."""

    def __init__(self, sender: Sender, batch: Sequence[Prepared]) -> None:
        self.sender = sender
        self.patience = sender.patience
        self.groups = deque([_Group(list(batch))])
        self.written: list[Document] = []
        self.refused: list[Outcome] = []
        self.failures: dict[str, int] = {}  # id -> attempts that were answered 429 or 5xx
        self.trouble: Trouble | None = None
        self.taken_before: int | None = None  # written by all when a whole request first failed

    @property
    def unsent(self) -> list[Document]:
        return [item.document for group in self.groups for item in group.items]

    def go(self) -> None:
        """Send until nothing is left.

        Raises:
            ServerError: what is in the groups now cannot be sent.
        """
        while self.groups:
            group = self.groups[0]
            group.attempts += 1
            try:
                all_taken, items = self.sender.post(group.items)
            except (RequestRefused, ServerUnreachable) as error:
                self._whole(group, error)
            else:
                self._all_taken(group) if all_taken else self._sort_out(group, items)

    def _all_taken(self, group: _Group) -> None:
        self.groups.popleft()
        self.written += [item.document for item in group.items]
        self.patience.took(len(group.items))

    def _whole(self, group: _Group, error: RequestRefused | ServerUnreachable) -> None:
        """The request was refused, or its answer lost."""
        status = getattr(error, "status", None)
        if status == _TOO_LARGE or never_fits(str(error)):
            self._too_large(group, error)
        elif verdict_of(error) is Verdict.REFUSED:
            raise error
        elif isinstance(error, RequestRefused) and error.status == _FAILED:
            self._failed(group, error)
        else:
            if verdict_of(error) is Verdict.BLOCKED:
                self.sender.check_in_use()
            self._wait(error)

    def _too_large(self, group: _Group, error: ServerError) -> None:
        if len(group.items) == 1:
            self._refuse_alone(group, error)
            return
        self.groups.popleft()
        self.groups.extendleft(reversed(group.halves()))

    def _failed(self, group: _Group, error: RequestRefused) -> None:
        """The server's own trouble, or that of one document, which is looked for: halves in turn.

        The longer nothing at all is taken, the longer are the pauses, as of any trouble.
        """
        if self.taken_before is None:
            self.taken_before = self.patience.taken
        anew = self.trouble is not None and self.patience.taken > self.trouble.taken
        group.failures += 1
        alone = len(group.items) == 1
        if alone and group.attempts >= ATTEMPTS and self.patience.taken > self.taken_before:
            self._refuse_alone(group, error)
            return
        if group.failures >= _WHOLE_ATTEMPTS:
            self.groups.popleft()
            self.groups.extend([group] if alone else group.halves())
        self._wait(_about(group, error) if alone else error, anew=anew)

    def _refuse_alone(self, group: _Group, error: ServerError) -> None:
        self.groups.popleft()
        [item] = group.items
        kind, said = getattr(error, "kind", None), str(error)
        said += _NEVER_FITS if never_fits(said) else ""
        self.refused.append(Outcome(item.document, said, kind, group.attempts))

    def _sort_out(self, group: _Group, items: Sequence[dict[str, Any]]) -> None:
        """Settle what is settled; wait if the rest is worth another attempt."""
        sent, group.items = group.items, []
        told: dict[Verdict, dict[str, Any]] = {}  # the first of each
        taken = 0
        for prepared, item in zip(sent, items, strict=True):
            answer = next(iter(item.values()))
            found = self._judged(prepared, answer)
            told.setdefault(found, answer)
            if found is Verdict.TAKEN:
                taken += 1
                self.written.append(prepared.document)
            elif found is Verdict.REFUSED:
                self.refused.append(_refused(prepared, answer["error"], group.attempts))
            else:
                group.items.append(prepared)
        self.patience.took(taken)
        self._go_on(group, told)

    def _go_on(self, group: _Group, told: dict[Verdict, dict[str, Any]]) -> None:
        if Verdict.GONE in told:
            raise gone(self.sender.index)
        if denied := told.get(Verdict.DENIED):
            raise self.sender.refusal(denied)
        if not group.items:
            self.groups.popleft()
            return
        if Verdict.BLOCKED in told:
            self.sender.check_in_use()
        passing = (Verdict.BLOCKED, Verdict.BUSY, Verdict.FAILED)
        error = self.sender.refusal(next(told[one] for one in passing if one in told))
        self._too_large(group, error) if never_fits(str(error)) else self._wait(error)

    def _judged(self, prepared: Prepared, answer: dict[str, Any]) -> Verdict:
        """The verdict on an item; one that fails too often has itself to blame."""
        found = of_item(answer)
        if found not in (Verdict.BUSY, Verdict.FAILED):
            return found
        identifier = prepared.document.id
        failures = self.failures[identifier] = self.failures.get(identifier, 0) + 1
        if failures < ATTEMPTS:
            return found
        others_pass = self.trouble is not None and self.patience.taken > self.trouble.taken
        return Verdict.REFUSED if found is Verdict.FAILED or others_pass else found

    def _wait(self, error: ServerError, *, anew: bool = False) -> None:
        """Until the next attempt.

        Raises:
            ServerError: there will be none.
        """
        self.trouble = self.patience.wait(error, self.trouble, anew=anew)


def gone(index: str) -> IndexNotFound:
    """What is to be said when there is no index any more."""
    return IndexNotFound(
        f"index {index!r} was deleted while this run wrote to it: run the same command again, and "
        "all of it is written to a new one"
    )


def _refused(prepared: Prepared, error: Any, attempts: int) -> Outcome:
    return Outcome(prepared.document, reason(error), explain(error)[0], attempts)


def _about(group: _Group, error: RequestRefused) -> RequestRefused:
    """The same error, with the one document that it is told of."""
    document = group.items[0].document
    said = f"document {document.id!r} of {document.where}, sent alone: {error}"
    return RequestRefused(said, status=error.status, kind=error.kind, retry_after=error.retry_after)
