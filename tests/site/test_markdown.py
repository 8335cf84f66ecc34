"""Markdown as HTML: nothing in it runs or is styled, its links lead somewhere, its headings can be linked to."""

from botwire_site.visitors.markdown import Heading, render, with_targets

TARGETS = {"http.md": "/docs/http", "http.md#errors": "/docs/http#errors"}


def html_of(text: str) -> str:
    return render(text, TARGETS.get).html


def test_raw_html_is_text():
    html = html_of("<script>alert(1)</script>\n\nand <img src=x onerror=alert(1)> inline")

    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_a_link_to_a_script_is_no_link():
    assert "href" not in render("[x](javascript:alert(1))", lambda target: target).html


def test_links_lead_to_pages_and_those_to_nowhere_are_words():
    html = html_of("[the API](http.md), [errors](http.md#errors), [code](../api/views.py)")

    assert html == (
        '<p><a href="/docs/http">the API</a>, <a href="/docs/http#errors">errors</a>, <span>code</span></p>\n'
    )


def test_headings_have_the_anchors_of_a_git_host():
    rendered = render("# The HTTP API\n\n## Set: `PUT /memory/{key}`\n\n## Again\n\n## Again\n", TARGETS.get)

    assert rendered.headings == [
        Heading("the-http-api", "The HTTP API", 1),
        Heading("set-put-memorykey", "Set: PUT /memory/{key}", 2),
        Heading("again", "Again", 2),
        Heading("again-1", "Again", 2),
    ]
    assert '<h2 id="again-1">Again <a class="anchor" href="#again-1"' in rendered.html


def test_tables_scroll_in_a_box_and_are_aligned_without_styles():
    html = html_of("| a | b |\n|---|--:|\n| 1 | 2 |\n")

    assert "style=" not in html
    assert '<div class="scroll" tabindex="0"' in html
    assert '<td class="align-right">2</td>' in html


def test_code_says_its_language_and_can_be_scrolled_by_keyboard():
    assert html_of("```sh\nls <x>\n```\n") == (
        '<pre tabindex="0"><code class="language-sh">ls &lt;x&gt;\n</code></pre>\n'
    )


def test_markdown_for_programs_links_to_markdown():
    text = "see [the API](http.md) and [code](../api/views.py)"

    assert with_targets(text, TARGETS.get) == "see [the API](/docs/http) and [code](../api/views.py)"
