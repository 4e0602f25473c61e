"""The analysis for some texts is told by their letters."""

import pytest

from es_hybrid.analysis import SAMPLE, detected

ENGLISH = "The ship that crossed the sea with its crew is late, and the harbour of the town waits."
KOREAN = "서울의 봄에는 벚꽃이 핀다. 한강을 따라 사람들이 걷는다."


@pytest.mark.parametrize(
    ("text", "analysis"),
    [
        (ENGLISH, "english"),
        (KOREAN, "korean"),
        ("\u1109\u1165\u110b\u116e\u11af", "korean"),  # decomposed, as macOS names files
        ("csv.DictReader로 파일을 읽고 json.dumps(obj, ensure_ascii=False)로 쓴다", "korean"),
        ("東京都は日本の首都である", "cjk"),
        ("北京是中华人民共和国的首都", "cjk"),
        ("カタカナ", "cjk"),
        ("大韓民國의 수도는 서울特別市이다", "korean"),
        ("Der Mond ist aufgegangen, die goldnen Sternlein prangen am Himmel", "standard"),
        ("Le chat est sur la table et il regarde par la fenêtre", "standard"),
        ("Det er en dag at huske, for vi kom over byen by", "standard"),
        ("Москва — столица России", "standard"),
        ("42 + 1 = 43", "standard"),
        ("", "standard"),
    ],
)
def test_the_letters_tell_the_analysis(text, analysis):
    assert detected([text]) == analysis


def test_a_few_korean_documents_among_english_ones_are_enough():
    assert detected([ENGLISH] * 80 + [KOREAN] * 20) == "korean"


def test_one_korean_name_among_english_documents_is_not():
    assert detected([ENGLISH] * (SAMPLE - 1) + ["김치"]) == "english"


def test_a_huge_document_does_not_outvote_the_others():
    assert detected([ENGLISH * 10_000] + [KOREAN * 3] * 9) == "korean"


def test_no_texts_are_as_any_language():
    assert detected([]) == "standard"
