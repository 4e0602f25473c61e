"""Which analysis suits some texts, told by their letters; pure.

Measured with BM25 (nDCG@10): Korean texts are found best with ``korean`` (KorQuAD 0.977; ``cjk``
0.965, ``standard`` 0.885), and English ones lose nothing by it, since it stems English words as
well (Cranfield 0.337; ``english`` 0.335, ``standard`` 0.315). So a little Hangul is enough for
``korean``, while ``cjk``, which stems nothing (Cranfield 0.306), wants more of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

AUTO = "auto"

# What is looked at: the first documents, and of each no more than its beginning.
SAMPLE = 100
_LETTERS = 2000

_KOREAN_SHARE, _CJK_SHARE = 0.05, 0.2  # of all letters
_ENGLISH_SHARE = 0.05  # of all words; English prose has about 0.17, German and French under 0.01

_SCRIPTS = {
    "hangul": re.compile("[\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\uac00-\ud7ff]"),
    "cjk": re.compile(
        "[\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    ),
    "letter": re.compile(r"[^\W\d_]"),
}
_WORD = re.compile(r"[^\W\d_]+")
# Frequent in English and rare elsewhere, unlike "is" (Dutch), "for" (Danish) or "in" (German).
_ENGLISH = frozenset(("the", "of", "and", "that", "with", "this", "from", "are", "it", "which"))

# What to take where a server lacks the plugin of an analysis.
WITHOUT_PLUGIN = {"korean": "cjk", "cjk": "standard", "english": "standard"}


def detected(texts: Iterable[str]) -> str:
    """The analysis profile for `texts`: ``korean``, ``cjk``, ``english`` or ``standard``.

    >>> detected(["서울의 봄에는 벚꽃이 핀다", "csv.DictReader"]), detected(["東京都は日本の首都"])
    ('korean', 'cjk')
    >>> detected(["The tide is high"]), detected(["Der Mond ist aufgegangen"])
    ('english', 'standard')
    """
    seen: Counter[str] = Counter()
    for text in texts:
        seen += _counted(text[:_LETTERS])
    if seen["hangul"] > max(_KOREAN_SHARE * seen["letter"], seen["cjk"]):
        return "korean"
    if seen["cjk"] > _CJK_SHARE * seen["letter"]:
        return "cjk"
    return "english" if seen["english"] > _ENGLISH_SHARE * seen["word"] else "standard"


def _counted(text: str) -> Counter[str]:
    found = Counter({script: len(letters.findall(text)) for script, letters in _SCRIPTS.items()})
    words = _WORD.findall(text.lower())
    return found + Counter(word=len(words), english=sum(word in _ENGLISH for word in words))
