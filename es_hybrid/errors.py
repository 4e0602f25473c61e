"""Everything es_hybrid raises on purpose, and whose mistake it is.

::

    EsHybridError
    ├── UsageError               the caller's: an argument that can never work
    │   ├── InvalidFilter            a filter that is not one
    │   ├── InvalidIndexName         a name Elasticsearch refuses
    │   └── UnknownEmbedder          an embedder nobody registered
    ├── SourceError              the input's: a file that is missing, empty or unreadable
    │   ├── RecordError              one record of it; never stops a run
    │   └── TooManyRejected          more of them than the run was to put up with
    ├── EmbedderError            the model's: it failed, or its package is not installed
    │   ├── VectorError              it returned something that is no usable vector
    │   └── EmbedderUnavailable      its service answers nobody, or refuses whatever it is asked
    ├── ServerError              the cluster's, or the way to it
    │   ├── ServerUnreachable        nobody answers at this address
    │   ├── AccessDenied             wrong or missing credentials, or too few rights
    │   ├── IndexNotFound            the index does not exist
    │   ├── AliasMoved               another version took over while a run wrote
    │   ├── PluginMissing            the analysis needs a plugin that is not installed
    │   ├── LicenceMissing           the licence does not allow what was asked for
    │   ├── PartialAnswer            a shard failed or was late, and hits may be missing
    │   └── RequestRefused           Elasticsearch said no to this request
    ├── ContractError            index and caller disagree on how vectors are made
    │   ├── ContractMismatch         another embedder, analysis or vector index type
    │   ├── NoContract               the index was not made by es_hybrid
    │   ├── NewerSchema              the index was made by a newer es_hybrid
    │   └── NotVerified              a new version of an index is not as good as the old one
    ├── StateError               the notes that a run keeps on this machine cannot be written
    │   └── RunInProgress            another run holds them: it writes to the same index
    └── NodeError                the embedded Elasticsearch's
        ├── JavaNotFound             no JDK that can run it
        ├── PortTaken                somebody else listens there
        ├── DownloadFailed           the server could not be fetched
        └── NodeFailed               it did not start; its log says why

Each message quotes the value, names the rule and ends with the way out. The
command line prints it in one line; :class:`UsageError` exits with 2, all others with 1.
"""

from __future__ import annotations

from typing import Any


class EsHybridError(Exception):
    """The root: catch this to catch everything es_hybrid raises on purpose."""


class UsageError(EsHybridError):
    """An argument that can never work, whatever the cluster holds."""


class InvalidFilter(UsageError):
    """A filter that is neither ``field=value`` nor a filter clause."""


class InvalidIndexName(UsageError):
    """A name that Elasticsearch does not allow for an index."""


class UnknownEmbedder(UsageError):
    """An embedder that is not registered under this name."""


class SourceError(EsHybridError):
    """An input that cannot be read at all: missing, empty, or not what it claims."""


class RecordError(SourceError):
    """One record of an input that cannot become a document; the run goes on."""


class TooManyRejected(SourceError):
    """More records cannot be indexed than a run was to put up with, so that it stopped.

    Attributes:
        report: its `Report`, `Enriched` or `Rebuilt` up to there; what was read has one fate each,
            as ever.
    """

    def __init__(self, message: str, *, report: Any) -> None:
        super().__init__(message)
        self.report = report


class EmbedderError(EsHybridError):
    """An embedder that failed, or whose package is not installed."""


class VectorError(EmbedderError):
    """A vector with a wrong shape, a NaN, an infinite number, or no length."""


class EmbedderUnavailable(EmbedderError):
    """A service that answers nobody, or refuses whatever it is asked; no text is to blame."""


class ServerError(EsHybridError):
    """The cluster, or the way to it."""


class ServerUnreachable(ServerError):
    """Nobody answers at this address."""


class AccessDenied(ServerError):
    """Wrong or missing credentials, or credentials with too few rights."""


class IndexNotFound(ServerError):
    """The index does not exist."""


class AliasMoved(ServerError):
    """The alias was given another index while a run wrote to the one that it stood for."""


class PluginMissing(ServerError):
    """The analysis asked for needs a plugin that this server does not have."""


class LicenceMissing(ServerError):
    """The server's licence, or one of its modules, does not allow what was asked for."""


class PartialAnswer(ServerError):
    """A shard failed or was late, so that hits may be missing."""


class RequestRefused(ServerError):
    """Elasticsearch understood the request and refused it.

    Attributes:
        status: HTTP status, 400 to 599.
        kind: Elasticsearch's own error type, such as ``"parsing_exception"``.
        retry_after: seconds after which the server wants to be asked again, where it says so.
    """

    def __init__(
        self, message: str, *, status: int, kind: str, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.retry_after = retry_after


class ContractError(EsHybridError):
    """Index and caller disagree on how the vectors are made."""


class ContractMismatch(ContractError):
    """Another embedder, analysis or vector index type than the index was made with."""


class NoContract(ContractError):
    """The index was not made by es_hybrid, so nobody knows which model made its vectors."""


class NewerSchema(ContractError):
    """The index was made by a newer es_hybrid than this one."""


class NotVerified(ContractError):
    """A new version of an index lacks documents, has other vectors, or finds less."""


class StateError(EsHybridError):
    """The notes that a run keeps on this machine cannot be written."""


class RunInProgress(StateError):
    """Another run on this machine writes to the same index."""


class NodeError(EsHybridError):
    """The embedded Elasticsearch."""


class JavaNotFound(NodeError):
    """No JDK that can run the server."""


class PortTaken(NodeError):
    """Another process listens on the port asked for."""


class DownloadFailed(NodeError):
    """The server, or a part of it, could not be fetched."""


class NodeFailed(NodeError):
    """The server did not start, or stopped by itself; its log says why."""
