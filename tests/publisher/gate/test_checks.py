"""All rules on a mail: what is reported, on any bytes, and in time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.gate.checks import MOST_OF_A_RULE, check_mail
from publisher.gate.css import stylesheet
from publisher.gate.findings import RULES, GateReport, Severity
from publisher.gate.mail import CheckedMail
from publisher.gate.mail_clients.caniemail import client_names
from publisher.gate.rules import client_support, inbox_and_text, typography
from publisher.mail_limits import MAIL_WIDTH, MAX_HTML_BYTES, MAX_NESTING, MAX_TEXT_COLUMNS
from tests.publisher.gate.pages import mail_of, sound, with_content


def test_the_same_problem_in_many_places_is_one_finding_with_their_number() -> None:
    report = check_mail(mail_of(with_content("<p onclick='x()'>x</p>\n" * 200)))
    (found,) = (one for one in report.findings if one.code == "event-handler")
    assert found.places == 200
    assert found.line == sound()[: sound().index("<h2")].count("\n") + 1


def test_findings_of_one_rule_are_limited_and_the_rest_is_counted() -> None:
    links = "".join(f"<p><a href='ftp://x.example/{n}'>story {n}</a></p>" for n in range(50))
    report = check_mail(mail_of(with_content(links)))
    told = [one.problem for one in report.findings if one.code == "link-scheme"]
    assert len(told) == MOST_OF_A_RULE
    assert told[-1].startswith("and 43 more of this kind, such as: ftp://x.example/7 ")
    (rest,) = (one for one in report.findings if one.problem == told[-1])
    assert rest.places == 43


def test_errors_come_before_warnings_each_in_document_order() -> None:
    report = check_mail(mail_of(with_content("<font color='#eeeeee'>x</font><a href=''>y</a>")))
    severities = [one.severity for one in report.findings]
    assert severities == sorted(severities, key=lambda one: one != Severity.ERROR)
    assert report.errors + report.warnings == report.findings
    for kind in (report.errors, report.warnings):
        lines = [one.line or 0 for one in kind if one.rule.part == "html"]
        assert lines == sorted(lines)


def test_rules_have_codes_of_one_form_an_imperative_a_reason_and_known_clients() -> None:
    assert all(code == code.lower() and " " not in code for code in RULES)
    for rule in RULES.values():
        assert rule.fix[0].islower() or rule.fix[0] in "@<", rule.code
        assert not rule.fix.endswith("."), rule.code
        assert rule.why.endswith("."), rule.code
        # Beside those that caniemail tests.
        others = {"KMail", "Roundcube", "Thunderbird"}
        assert {*rule.clients} <= {*client_names().values()} | others, rule.code


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("preheader-length", f"{inbox_and_text._COLUMNS.start} to {inbox_and_text._COLUMNS.stop - 1} columns"),
        ("column-width", f'width="{MAIL_WIDTH}" and max-width:{MAIL_WIDTH}px'),
        ("column-outlook", f'width="{MAIL_WIDTH}"'),
        ("html-size", f"{MAX_HTML_BYTES:,} bytes"),
        ("html-depth", f"at most {MAX_NESTING} deep"),
        ("style-size", f"{client_support._MOST_BYTES:,} bytes"),
        ("style-size-near", f"{client_support._NEAR:,} bytes"),
        ("text-width", f"{MAX_TEXT_COLUMNS} columns"),
        ("text-small", f"{typography._SMALLEST:.0f} px"),
        ("line-height", f"{typography._LEADING} times its size, Chinese {typography._LEADING_CJK}"),
    ],
)  # fmt: skip
def test_a_rule_names_the_limit_that_is_checked(code: str, limits: str) -> None:
    assert limits in RULES[code].fix


# The gate can check any bytes, and in time.


PIECES = st.sampled_from(
    [
        "<p", "<td", "<table", "<a", "<img", "<div", "<style", "<html", "<body", "<meta", "<title",
        "<!--[if mso]>", "<![endif]-->", "<!--", "-->", "</style>", "</table>", "</p>", "</a>",
        "<!DOCTYPE html>", "<!doctype html public '", "<?xml version='1.0' encoding='x'?>",
        ">", " style='", " class='", " href='", " src='", " lang='", " dir='", " bgcolor='", "'",
        "color:", "background:", "font:", "font-size:", "line-height:", "padding:", "margin:",
        "#fff", "rgba(0,0,0,.5)", "hsl(1e999 1% 1%)", "var(--x)", "calc(1px + 1em)", "1e999px",
        "@media (prefers-color-scheme:dark) {", "@import url(x);", "@font-face {", "{", "}", ";",
        "!important", ".a > b ~ c + [d|='e'] :not(f)::g", "url(", "http://[", "https://x/%zz",
        "ar", "zh-Hant", "rtl", "en_", "{{", "%}", "@@X@@", "*|X|*", "None", "العبّارة", "渡輪",
        "\x00", "\x92", "\ufffd", "\u202e", "\U0010ffff", " ", "\r\n", "x" * 60,
    ]
)  # fmt: skip
SOUP = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=60).map("".join)


def mail_of_bytes(content: bytes, language: str = "en") -> CheckedMail:
    return CheckedMail(content=content, language=language, hosts=frozenset({"x"}), preheader="")


def is_readable(report: GateReport) -> bool:
    """Return whether a person can read it: not too much, and no invisible characters."""
    counts = [report.findings.count(finding) for finding in report.findings]
    lines = [f"{one.problem} {one.where}" for one in report.findings if one.rule.part == "html"]
    return (
        len(report.findings) <= MOST_OF_A_RULE * len(RULES)
        and counts == [1] * len(counts)
        and all(len(line) < 500 and line.isprintable() for line in lines)
    )


@given(st.binary(max_size=2000), st.sampled_from(["en", "zh-Hant", "ar"]))
def test_any_bytes_can_be_checked(content: bytes, language: str) -> None:
    assert is_readable(check_mail(mail_of_bytes(content, language)))


@given(SOUP, st.sampled_from(["en", "zh-Hant", "ar"]))
def test_any_soup_of_tags_can_be_checked(html: str, language: str) -> None:
    head = b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    content = head + html.encode(errors="surrogatepass")
    assert is_readable(check_mail(mail_of_bytes(content, language)))


@given(st.text(max_size=200))
def test_any_style_is_parsed(text: str) -> None:
    assert isinstance(stylesheet.parse_declarations(text), tuple)
    assert isinstance(stylesheet.parse_stylesheet(text).rules, list)
    assert isinstance(stylesheet.split_value(text), tuple)


@given(st.one_of(st.text(max_size=30), st.from_regex(r"(rgba?|hsla?|hwb)\([0-9e%,. /-]*\)")))
def test_any_text_is_a_colour_of_six_digits_or_none(text: str) -> None:
    found = stylesheet.parse_colour(text)
    assert found is None or (len(found[0]) == 7 and 0 <= found[1] <= 1)
