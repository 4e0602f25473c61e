"""Arms that take turns, and what they say about each other with a 95 % interval."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

Milliseconds = npt.NDArray[np.float64]
Arm = Callable[[int], object]
RESAMPLES, CONFIDENCE, SEED = 2000, 0.95, 7


@dataclass(frozen=True, slots=True)
class Figure:
    """One number about two arms.

    Attributes:
        label: what was compared.
        unit: ``"ms"``, or ``"times"`` for a ratio.
        value: of the two medians.
        low: of the interval.
        high: of the interval.
        limit: what `high` may reach; None where nothing is promised.
        least: what `low` has to reach; None where nothing is promised.
    """

    label: str
    unit: str
    value: float
    low: float
    high: float
    limit: float | None = None
    least: float | None = None

    @property
    def missed(self) -> bool:
        """Whether a limit is not kept with confidence."""
        above = self.limit is not None and self.high > self.limit
        return above or (self.least is not None and self.low < self.least)

    def __str__(self) -> str:
        line = f"{self.label:42}{self.value:7.3f} {self.unit:6}[{self.low:.3f}, {self.high:.3f}]"
        if self.limit is None and self.least is None:
            return line
        promised = f"limit {self.limit}" if self.least is None else f"at least {self.least}"
        return f"{line}   {promised} {'MISSED' if self.missed else 'kept'}"


# Arm -> how long each round took it, and what that says.
Measured = tuple[dict[str, Milliseconds], list[Figure]]


def interleaved(arms: Mapping[str, Arm], *, rounds: int, warm_up: int) -> dict[str, Milliseconds]:
    """Arm -> how long each round took it.

    Each arm is called with the number of the round. Every second round goes through the arms
    backwards, so that none is always the one after a pause. The first rounds are not kept.
    """
    taken: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(warm_up + rounds):
        for name in list(arms)[:: -1 if number % 2 else 1]:
            began = time.perf_counter()
            arms[name](number)
            taken[name].append((time.perf_counter() - began) * 1000)
    return {name: np.array(times[warm_up:]) for name, times in taken.items()}


def difference(
    times: Mapping[str, Milliseconds], one: str, other: str, *, limit: float | None = None
) -> Figure:
    """p50(one) - p50(other)."""
    return _figure(times, one, other, np.subtract, sign="-", unit="ms", limit=limit)


def ratio(
    times: Mapping[str, Milliseconds],
    one: str,
    other: str,
    *,
    limit: float | None = None,
    least: float | None = None,
) -> Figure:
    """p50(one) / p50(other): how many times as fast the other is."""
    figure = _figure(times, one, other, np.divide, sign="/", unit="times", limit=limit)
    return replace(figure, least=least)


def _figure(
    times: Mapping[str, Milliseconds],
    one: str,
    other: str,
    how: Callable[..., Any],
    *,
    sign: str,
    unit: str,
    limit: float | None,
) -> Figure:
    """The percentile bootstrap: whole rounds are drawn again, so that pairs stay together.

    Efron and Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13.
    """
    random = np.random.default_rng(SEED)
    rounds = len(times[one])
    drawn = random.integers(0, rounds, (RESAMPLES, rounds))
    values = how(*(np.median(times[name][drawn], axis=1) for name in (one, other)))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, (tail, 1 - tail))
    value = how(np.median(times[one]), np.median(times[other]))
    return Figure(f"{one} {sign} {other}", unit, float(value), float(low), float(high), limit)


def shown(title: str, found: Measured, *, digits: int = 3) -> str:
    """The medians, and the figures with their limits."""
    times, figures = found
    medians = (f"{name:42}{np.median(taken):9.{digits}f} ms" for name, taken in times.items())
    return "\n".join([f"\n{title}; p50, load {load()}", *medians, *map(str, figures)])


def load() -> str:
    """What else the machine does: the mean number of running processes in the last minute."""
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def record(found: Mapping[str, Measured]) -> bytes:
    """All of it as JSON."""
    about = {"python": sys.version, "elasticsearch": version("elasticsearch"), "load": load()}
    parts = {
        title: {
            "p50_ms": {name: float(np.median(taken)) for name, taken in times.items()},
            "rounds": max(map(len, times.values()), default=0),
            "figures": [asdict(figure) | {"missed": figure.missed} for figure in figures],
        }
        for title, (times, figures) in found.items()
    }
    return orjson.dumps(
        {"about": about, "measured": parts},
        option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY,
    )
