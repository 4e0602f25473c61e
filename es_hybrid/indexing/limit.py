"""A limit to what goes wrong: a run over the wrong file ends soon, not after its last line.

Loaders of databases have one: BigQuery's maxBadRecords, Redshift's MAXERROR, Snowflake's ON_ERROR,
the REJECT_LIMIT of PostgreSQL's COPY.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from es_hybrid.errors import UsageError

# A share says nothing of fewer records.
_FEWEST = 1000


@dataclass(frozen=True, slots=True)
class Limit:
    """How many records of a run may end as rejected or dead-lettered: the larger of two numbers.

    Attributes:
        count: so many, however few were read.
        share: so many of those read by now, 0 to 1.
    """

    count: int
    share: float = 0.0

    def is_passed(self, *, lost: int, read: int) -> bool:
        """Whether it is more.

        >>> limit = Limit(1000, 0.1)
        >>> limit.is_passed(lost=1001, read=5000), limit.is_passed(lost=1001, read=20_000)
        (True, False)
        """
        return lost > max(self.count, self.share * read)

    def __str__(self) -> str:
        """As it is told."""
        share = f", or {100 * self.share:.4g} % of those read" if self.share else ""
        return f"{self.count:,}{share}"


LIMIT = Limit(1000, 0.1)


def limit(said: int | str | Limit | None) -> Limit | None:
    """What somebody says of it: a number, ``"5%"``, or ``"none"``; None is none, too.

    A share holds from the first 1,000 records on: before that it is one of 1,000.

    Raises:
        UsageError: it is nothing of these.

    >>> limit("5%"), limit(0), limit("none")
    (Limit(count=50, share=0.05), Limit(count=0, share=0.0), None)
    """
    if said is None or isinstance(said, Limit):
        return said
    text = str(said).strip().lower()
    if text == "none":
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(\s*%)?", text, re.ASCII)
    if found and found[2] and float(found[1]) <= 100:
        share = float(found[1]) / 100
        return Limit(int(share * _FEWEST), share)
    if found and not found[2] and "." not in text:
        return Limit(int(text))
    raise UsageError(
        f"max_rejected {said!r} is no limit: give a whole number such as 500, a share such as 5%, "
        "or none"
    )
