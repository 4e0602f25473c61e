"""Titles and texts of Markdown, HTML and plain text files."""

import pytest

from es_hybrid.sources.pages import html, markdown, plain


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("\n Tea \nhot", "Tea"),
        ("hot", "hot"),
        ("word " * 40, ""),
        ("", ""),
    ],
)
def test_a_short_first_line_is_the_title_of_a_text(text, title):
    assert (plain(text).title, plain(text).text) == (title, text)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Tea\n# Coffee", "Tea"),
        ("hot\n\n## Tea ##\n", "Tea"),
        ("```\n# no title\n```\n# Tea", "Tea"),
        ("#no\n    # code\nhot", ""),
        ("---\ntitle: Chai\n---\n# Tea", "Chai"),
        ('---\ntitle: "Tea: hot"\n---\n', "Tea: hot"),
    ],
)
def test_the_first_heading_is_the_title_of_markdown(text, title):
    assert markdown(text).title == title


@pytest.mark.parametrize(
    ("front", "fields"),
    [
        ("lang: en\nurl: https://a.b/c\n", {"lang": "en", "url": "https://a.b/c"}),
        ("date: 2024-05-31\n\nempty:\n", {"date": "2024-05-31"}),
        ("who: 'Ada'\n", {"who": "Ada"}),
    ],
)
def test_plain_front_matter_becomes_fields(front, fields):
    page = markdown(f"---\n{front}---\nhot")
    assert (page.fields, page.text) == (fields, "hot")


@pytest.mark.parametrize(
    "front", ["tags: [a, b]\n", "tags:\n  - a\n", "a: |\n  b\n", "lang: en\nodd\n", "- a\n"]
)
def test_other_front_matter_stays_in_the_text(front):
    text = f"---\n{front}---\nhot"
    assert (markdown(text).fields, markdown(text).text) == ({}, text)


def test_a_rule_across_the_page_is_no_front_matter():
    assert markdown("hot\n---\na: b\n---\n").fields == {}
    assert markdown("---\nhot").text == "---\nhot"


@pytest.mark.parametrize(
    ("page", "title", "text"),
    [
        ("<title>A &amp; B</title><p>hot", "A & B", "hot"),
        ("<h1>Tea <i>time</i></h1><h1>No</h1>hot", "Tea time", "Tea time\nNo\nhot"),
        ("<title>T</title><h1>H</h1>", "T", "H"),
        ("<p>one\ntwo</p><p>three<br>four", "", "one two\nthree\nfour"),
        ("<pre>a\n  b</pre>", "", "a\nb"),
        ("<script>if (a<b) 'x'</script><style>p{}</style>hot", "", "hot"),
        ("<nav><ul><li>Home</ul></nav>hot<svg><title>no</title></svg>", "", "hot"),
        ("<nav>Home<p>hot", "", "Home\nhot"),
        ("1 < 2 &lt;b&gt; &nbsp;", "", "1 < 2 <b>"),
        ("<!-- no -->hot<![endif]>", "", "hot"),
        ("<td>a<td>b</table></div></p>", "", "a\nb"),
    ],
)
def test_html_is_read_as_it_is_shown(page, title, text):
    assert (html(page).title, html(page).text) == (title, text)
