"""Which key is needed, said where credentials have too few rights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from es_hybrid.errors import AccessDenied
from es_hybrid.keys import NEEDED


@contextmanager
def needed(job: str, *names: str) -> Iterator[None]:
    """Say which key `job` needs on these names when something is refused.

    Args:
        job: a key of `NEEDED`.
        names: of the indices or aliases.

    Raises:
        AccessDenied: as the server said it, with the way to a key.
    """
    try:
        yield
    except AccessDenied as error:
        roles, on = NEEDED[job], ",".join(names)
        raise AccessDenied(
            f"{error}. es-hybrid {job} needs the roles {roles} on {on}: es-hybrid keys create "
            f"{roles} {on}"
        ) from error
