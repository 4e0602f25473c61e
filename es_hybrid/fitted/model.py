"""A fitted model: a few centres, and what is made of a vector's distance to the nearest of them.

Pure: it knows numpy, and nothing of Elasticsearch. It is kept as a document, which anybody could
have written: what is read back is checked.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import orjson

from es_hybrid.contract import Contract
from es_hybrid.errors import ContractError
from es_hybrid.filters import Clause, is_clause
from es_hybrid.json_values import shown
from es_hybrid.vectors import Vectors

Kind = Literal["anomaly", "cluster"]
Floats = npt.NDArray[np.float64]

SCHEMA = 1
NEIGHBOURS = "neighbours"

_DIGITS = 6  # of a score: what float32 vectors can tell apart
_HASH_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """A model.

    Attributes:
        kind: ``"anomaly"`` gives a document a score and a flag, ``"cluster"`` a number and a label.
        method: how it was fitted.
        field: the object that gets what it says of a document, such as ``"anomaly"``.
        embedder: id of the embedder whose vectors it knows.
        proof: hash of that embedder's probe vectors, as the contract of the index has them.
        dims: of the vectors.
        centres: float32, shape (k, dims); of ``neighbours``, which has none, shape (0, dims).
        threshold: a score above it is flagged, on documents that come in; None of clusters.
        labels: of the clusters, one for each centre; empty of anomalies.
        k: of ``neighbours``: the distance to the k-th is the score; None of all others.
        among: likewise, the filters that a neighbour passes, each a clause as JSON; without any,
            all documents are neighbours.
        fitted_on: documents that it was fitted on.
        created_at: when, as ISO 8601.
    """

    kind: Kind
    method: str
    field: str
    embedder: str
    proof: str
    dims: int
    centres: Vectors
    threshold: float | None = None
    labels: tuple[str, ...] = ()
    k: int | None = None
    among: tuple[str, ...] = ()
    fitted_on: int = 0
    created_at: str = ""

    @property
    def hash(self) -> str:
        """Of all that it is, 32 hex digits."""
        said = {**asdict(self), "centres": None}
        digest = blake2b(repr(sorted(said.items())).encode(), digest_size=_HASH_BYTES)
        digest.update(self.centres.tobytes())
        return digest.hexdigest()

    @property
    def filters(self) -> tuple[Clause, ...]:
        """`among` as clauses."""
        return tuple(orjson.loads(one) for one in self.among)

    def fits(self, contract: Contract) -> bool:
        """Whether the vectors under this contract are those of the model that it was fitted on."""
        mine = (self.embedder, self.proof, self.dims)
        return mine == (contract.embedder.id, proof(contract), contract.embedder.dims)

    def values(self, units: Vectors) -> list[dict[str, Any]]:
        """What a document gets in `field`, of each row.

        Args:
            units: float32, shape (n, dims), of length 1.
        """
        distances, rows = nearest(units, self.centres)
        if self.kind == "cluster":
            return [{"id": row, "label": self.labels[row]} for row in rows.tolist()]
        return self.flagged(distances)

    def flagged(self, scores: Floats, *, threshold: float | None = None) -> list[dict[str, Any]]:
        """What a document gets for its score.

        Args:
            scores: shape (n,).
            threshold: what is above is flagged; None takes the model's own.
        """
        limit = self.threshold if threshold is None else threshold
        # Compared as they are written, so that a score and its flag never disagree.
        rounded = [round(score, _DIGITS) for score in scores.tolist()]
        least = round(limit if limit is not None else np.inf, _DIGITS)
        return [{"score": score, "flag": score > least} for score in rounded]

    def to_record(self) -> dict[str, Any]:
        """As JSON; the centres in base64, little-endian float32."""
        centres = b64encode(self.centres.astype("<f4").tobytes()).decode("ascii")
        lists = {"labels": list(self.labels), "among": list(self.among)}
        return {**asdict(self), **lists, "centres": centres, "schema": SCHEMA}

    def mapping(self) -> dict[str, Any]:
        """The mapping of `field`: nothing else is ever mapped in there."""
        kinds = {
            "anomaly": {"score": {"type": "float"}, "flag": {"type": "boolean"}},
            "cluster": {"id": {"type": "integer"}, "label": {"type": "keyword"}},
        }
        return {self.field: {"dynamic": False, "properties": kinds[self.kind]}}


def fitted_for(contract: Contract, **said: Any) -> Fitted:
    """A model that was fitted now, on vectors under this contract.

    Args:
        contract: of the index.
        said: the other attributes.
    """
    return Fitted(
        embedder=contract.embedder.id,
        proof=proof(contract),
        dims=contract.embedder.dims,
        created_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        **said,
    )


def from_record(record: Mapping[str, Any], *, name: str) -> Fitted:
    """A model as `Fitted.to_record` wrote it.

    Args:
        record: a document of somebody's.
        name: its id, for messages.

    Raises:
        ContractError: it is damaged, or of a newer es_hybrid.
    """
    if record.get("schema") != SCHEMA:
        raise ContractError(
            f"model {name!r} has schema {record.get('schema')!r}, and this es_hybrid reads "
            f"{SCHEMA}: upgrade es_hybrid, or fit it anew"
        )
    names = {one.name for one in fields(Fitted)}
    try:
        return _checked({key: value for key, value in record.items() if key in names})
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError(f"model {name!r} is damaged ({error}): fit it anew") from error


def _checked(said: dict[str, Any]) -> Fitted:
    dims = int(said["dims"])
    centres = np.frombuffer(b64decode(said["centres"], validate=True), "<f4").reshape(-1, dims)
    among = tuple(said.get("among", ()))  # earlier models had none
    read = {"centres": centres.astype(np.float32), "labels": (), "among": among}
    made = Fitted(**{**said, **read})
    if made.kind not in get_args(Kind) or not made.field or "." in made.field:
        raise ValueError(f"kind {made.kind!r} of field {made.field!r}")
    if not np.isfinite(centres).all() or (not len(centres) and made.method != NEIGHBOURS):
        raise ValueError(f"{len(centres)} centres")
    labels = tuple(str(label) for label in said["labels"])
    if made.kind == "cluster" and len(labels) != len(centres):
        raise ValueError(f"{len(labels)} labels of {len(centres)} clusters")
    if made.kind == "anomaly" and not isinstance(made.threshold, float):
        raise ValueError(f"threshold {made.threshold!r}")
    if made.method == NEIGHBOURS and not (isinstance(made.k, int) and made.k > 0):
        raise ValueError(f"k {made.k!r}")
    if not all(map(is_clause, made.filters)):
        raise ValueError(f"filters {shown(made.among)}")
    return replace(made, labels=labels)


def proof(contract: Contract) -> str:
    """What tells the vectors of one model from those of another under the same id."""
    said = repr((contract.probes, contract.similarity)).encode()
    return blake2b(said, digest_size=_HASH_BYTES).hexdigest()


def nearest(units: Vectors, centres: Vectors) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Euclidean distance to the nearest centre, and which it is, of each row; both shape (n,).

    Args:
        units: float32, shape (n, dims).
        centres: float32, shape (k, dims), at least one.
    """
    # |x - c|² by its parts, in float64: n × k × dims numbers would not fit.
    x, c = units.astype(np.float64), centres.astype(np.float64)
    squares = np.square(x).sum(axis=1)[:, None] - 2 * x @ c.T + np.square(c).sum(axis=1)
    rows = squares.argmin(axis=1)
    least = np.take_along_axis(squares, rows[:, None], axis=1)[:, 0]
    return np.sqrt(np.maximum(least, 0)), rows


def whole(
    ids: Sequence[str], units: Vectors, norms: Floats | None = None
) -> tuple[list[str], Vectors]:
    """One vector for each document, where passages have the vectors: the mean of their directions.

    So a document is not odd for being long, as it would be by the oddest of its passages.

    Args:
        ids: of the documents; all rows of one stand behind each other.
        units: float32, shape (n, dims), of length 1.
        norms: lengths of the vectors, shape (n,), where lengths count; None where they do not.

    Returns:
        The ids, each once, and vectors: of length 1, or with `norms` means of vectors as they are.
    """
    rows = units if norms is None else np.asarray(units * norms[:, None], np.float32)
    starts = [row for row, one in enumerate(ids) if row == 0 or ids[row - 1] != one]
    if len(starts) == len(ids):
        return list(ids), rows
    sums = np.add.reduceat(rows, starts, axis=0)
    if norms is None:
        by = np.maximum(np.linalg.norm(sums, axis=1), 1e-12)
    else:
        by = np.diff([*starts, len(ids)])
    return [ids[row] for row in starts], np.asarray(sums / by[:, None], np.float32)
