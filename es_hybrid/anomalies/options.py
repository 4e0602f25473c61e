"""What a search for anomalies can be asked, checked before anything is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from es_hybrid.errors import UsageError
from es_hybrid.existing.index import Existing

METHODS = ("mean", "clusters", "recent", "neighbours")

CONTAMINATION = 0.01
WINDOW = "7d"

# A group of documents that are alike is odd up to this share of all. Nobody knows beforehand how
# large a hidden group is: a tenth is what PyOD expects where nothing is said (Zhao, Nasrullah and
# Li, JMLR 20, 2019). k is above its size, as Breunig et al. bound MinPts (LOF, SIGMOD 2000).
GROUP = 0.1

_FEWEST_K, _USUAL_K = 20, 1_000
_MOST_K = 9_999  # Elasticsearch finds 10,000 at a time, one of which is the document itself
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATES = ("date", "date_nanos")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How anomalies are looked for.

    Attributes:
        method: ``"mean"``, ``"clusters"``, ``"recent"`` or ``"neighbours"``; see
            `es_hybrid.anomalies.methods`.
        contamination: so large a share of the documents is expected to be odd, above 0 and up
            to 0.5; the flag is set for the oddest so many.
        k: of ``neighbours``, which neighbour's distance counts, 1 to 9,999; None takes one more
            than a tenth of the documents that are looked at, or than are expected to be odd where
            these are more, at least 20 (half of them where that is less) and at most 1,000: a
            whole group of odd documents is then not its own neighbourhood.
        clusters: of ``clusters``, how many; None takes the number with the best silhouette.
        time_field: of ``recent``, the date of a document.
        window: of ``recent``, how long: a number and m, h, d or w.
        field: the object that gets score and flag.
    """

    method: str = "neighbours"
    contamination: float = CONTAMINATION
    k: int | None = None
    clusters: int | None = None
    time_field: str | None = None
    window: str = WINDOW
    field: str = "anomaly"

    def check(self, index: Existing) -> None:
        """Refuse what can never work.

        Raises:
            UsageError: quotes the value.
        """
        if self.method not in METHODS:
            raise UsageError(f"unknown method {self.method!r}: choose one of {', '.join(METHODS)}")
        if not 0 < self.contamination <= 0.5:
            raise UsageError(
                f"contamination {self.contamination} must be above 0 and 0.5 at most: it is the "
                "share of odd documents, such as 0.01"
            )
        if self.k is not None and not 1 <= self.k <= _MOST_K:
            raise UsageError(f"k {self.k} must be 1 to {_MOST_K:,}: the k-th neighbour counts")
        if self.method == "recent":
            span(self.window)
            _check_time(index, self.time_field)

    def neighbour(self, documents: int) -> int:
        """Which neighbour counts, of so many documents."""
        if self.k is not None:
            return self.k
        group = int(max(GROUP, self.contamination) * documents)
        # Half of them are no neighbourhood: of a usual document it would hold the odd ones too.
        fewest = min(_FEWEST_K, documents // 2)
        return min(max(fewest, group + 1), _USUAL_K, max(1, documents - 1))


def span(window: str) -> timedelta:
    """How long a window is.

    Raises:
        UsageError: it is not written like one, or is empty.

    >>> span("36h")
    datetime.timedelta(days=1, seconds=43200)
    """
    found = re.fullmatch(r"([1-9]\d{0,5})([mhdw])", window)
    if not found:
        raise UsageError(f"window {window!r}: write a number and m, h, d or w, such as 7d or 36h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _check_time(index: Existing, name: str | None) -> None:
    dates = [one for one, kind in index.fields.items() if kind in _DATES]
    have = f"{index.index!r} has {', '.join(dates) or 'none'}"
    if name is None:
        raise UsageError(f"recent needs the date of each document: --time-field; {have}")
    if name not in dates:
        kind = index.fields.get(name)
        what = "no such field" if kind is None else f"a field of type {kind}"
        raise UsageError(f"--time-field {name}: {what}, and a date is needed; {have}")
