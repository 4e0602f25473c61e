"""What the user is told while something takes long: plain lines through a callback."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Say = Callable[[str], None]
"""Takes one line of progress, without its line end."""

Meter = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Called with a file's name and its size in bytes; what it yields is called with each piece's."""

STEPS = 10  # a download speaks at most this often, so that a log file stays readable
SMALL = 5_000_000  # bytes; below this a download is over before a line could be read


def quiet(_line: str) -> None:
    """Say nothing: the default."""


def megabytes(size: int) -> str:
    """Return ``size`` bytes the way people read them.

    >>> megabytes(132_432_175)
    '132 MB'
    """
    return f"{max(1, round(size / 1e6))} MB"


def download_meter(say: Say) -> Meter:
    """Return a meter that says how far a download is, in steps of a tenth."""

    @contextmanager
    def meter(name: str, total: int) -> Iterator[Callable[[int], None]]:
        done = 0

        def add(piece: int) -> None:
            nonlocal done
            before, done = done * STEPS // total, done + piece
            if total > SMALL and done * STEPS // total > before:
                say(f"fetching {name} … {megabytes(done)} of {megabytes(total)}")

        yield add

    return meter
