"""``--vector``: the query vector as it is typed, or the file that holds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from es_hybrid.errors import UsageError


def read_vector(text: str) -> Any:
    """What ``--vector`` says: a JSON list, or a file with one, or a .npy file.

    Raises:
        UsageError: neither a list nor a file that can be read.

    >>> read_vector("[1, 0.5]")
    [1, 0.5]
    """
    if text.lstrip().startswith("["):
        return _parsed(text, shown=text)
    file = Path(text)
    try:
        if file.suffix == ".npy":
            import numpy as np

            return np.load(file, allow_pickle=False)  # a pickle runs whatever it says
        return _parsed(file.read_text(encoding="utf-8"), shown=text)
    except OSError as error:
        raise UsageError(
            f"--vector {text!r} is neither a list such as [0.1, 0.2] nor a file that can be read "
            f"({error.strerror})"
        ) from None
    except (ValueError, EOFError) as error:
        raise UsageError(
            f"--vector {text!r} is no .npy file with numbers ({error}): write it with numpy.save"
        ) from None


def _parsed(text: str, *, shown: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        what = shown if len(shown) < 60 else shown[:59] + "…"
        raise UsageError(
            f"--vector {what!r} is no JSON list ({error}): write it like [0.1, 0.2]"
        ) from None
