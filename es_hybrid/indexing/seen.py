"""Ids that a run has met, in 16 bytes each: what stood under them is remembered as a hash.

A log-structured merge tree: new ids go into a dict; a full one becomes a sorted run, and runs of
one size are merged into a larger one. All ids of a window are looked up at once.
O'Neil et al.: The log-structured merge-tree, Acta Informatica 33, 1996.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt

_Hashes = npt.NDArray[np.int64]

_RECENT = 8192  # ids of the dict, about 1 MB
_FAN_OUT = 4
_LARGEST = _RECENT * _FAN_OUT**3  # ids of a run; merging needs twice the room for a moment


class Seen:
    """Id -> the content that stood under it last, both as hashes of 64 bits.

    That two of a hundred million ids have one hash has a chance of 1 in 3,700.
    """

    def __init__(self) -> None:
        self._recent: dict[int, int] = {}
        self._runs: list[tuple[_Hashes, _Hashes]] = []  # oldest first; ids sorted, and contents

    def find(self, ids: Sequence[int]) -> list[int | None]:
        """The content of each id; None where it is new."""
        recent = self._recent
        found = [recent.get(one) for one in ids]
        if self._runs:
            self._find_in_runs(ids, found)
        return found

    def update(self, ids: Iterable[int], contents: Iterable[int]) -> None:
        """Keep what stands under each id now."""
        self._recent.update(zip(ids, contents, strict=True))
        if len(self._recent) >= _RECENT:
            self._store()

    def _find_in_runs(self, ids: Sequence[int], found: list[int | None]) -> None:
        wanted = np.array(ids, np.int64)
        order = np.argsort(wanted)
        wanted = wanted[order]  # neighbours of a run are in one line of the cache
        for keys, contents in self._runs:  # a later one overwrites
            places = np.searchsorted(keys, wanted)
            places[places == len(keys)] = 0
            for hit in np.flatnonzero(keys[places] == wanted).tolist():
                place = int(order[hit])
                if ids[place] not in self._recent:
                    found[place] = int(contents[places[hit]])

    def _store(self) -> None:
        """The dict becomes a run; runs of one size become one."""
        count = len(self._recent)
        keys = np.fromiter(self._recent.keys(), np.int64, count)
        contents = np.fromiter(self._recent.values(), np.int64, count)
        self._recent.clear()
        order = np.argsort(keys)
        self._runs.append((keys[order], contents[order]))
        while (alike := self._alike()) == _FAN_OUT:
            last = self._runs[-alike:]
            del self._runs[-alike:]
            self._runs.append(_merged(last))

    def _alike(self) -> int:
        """How many of the last runs are of one size, and may be merged."""
        sizes = (_level(len(keys)) for keys, _ in reversed(self._runs))
        level, same = next(groupby(sizes))
        return sum(1 for _ in same) if _RECENT * _FAN_OUT**level < _LARGEST else 0


def hashes(texts: Iterable[str]) -> list[int]:
    """64 bits of each: SipHash with the secret of this process, so that nobody can forge one.

    https://docs.python.org/3/reference/datamodel.html#object.__hash__
    """
    return list(map(hash, texts))


def _level(count: int) -> int:
    """Runs shrink when ids come again; they are longer by the last window at most."""
    level = 0
    while 2 * _RECENT * _FAN_OUT**level < count:
        level += 1
    return level


def _merged(runs: list[tuple[_Hashes, _Hashes]]) -> tuple[_Hashes, _Hashes]:
    """One run of several, oldest first; the latest content of each id stays."""
    keys = np.concatenate([keys for keys, _ in runs])
    contents = np.concatenate([contents for _, contents in runs])
    runs.clear()
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    latest = np.append(keys[1:] != keys[:-1], True)
    return keys[latest], contents[order[latest]]
