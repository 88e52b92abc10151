"""The page on the checks has a section for each rule, with the words of `rules.toml`.

`python -m tests.publisher.gate.test_catalogue` renews the sections.
"""

import re
from pathlib import Path

from publisher.gate.findings import RULES, MailPart, Rule

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "checks.md"
TITLES = {
    MailPart.HEADERS: "The header",
    MailPart.HTML: "The HTML part",
    MailPart.TEXT: "The text part",
}
BEGIN = f"## {TITLES[MailPart.HEADERS]}\n"


def sections() -> str:
    chapters = []
    for part, title in TITLES.items():
        rules = [rule for rule in RULES.values() if rule.part == part]
        chapters.append(f"## {title}\n\n" + "\n".join(map(section, rules)))
    return "\n".join(chapters)


def section(rule: Rule) -> str:
    order = rule.fix[0].upper() + rule.fix[1:]
    return f"### `{rule.code}` ({rule.severity})\n\n{escaped(rule.why)}\n\n{escaped(order)}.\n"


def escaped(text: str) -> str:
    """Mark names of elements as code, so that they do not become elements of the page."""
    return re.sub(
        r"`[^`]*`|<[^<>]*>?",
        lambda found: found[0] if found[0].startswith("`") else f"`{found[0]}`",
        text,
    )


def renewed(page: str) -> str:
    return page.partition(BEGIN)[0] + sections()


def test_the_page_has_the_words_of_the_rules() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == renewed(page), f"python -m {__name__} renews {PAGE.name}"


def test_the_table_has_every_rule_of_the_html_part_and_no_other_code() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## Support")[0]
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)*(?:-…)?)`", page)) - {"style"}
    codes = list(RULES)
    for code in named:
        assert any(one.startswith(code.removesuffix("…")) for one in codes), code
    marked = re.findall(r"`([a-z-]+…?)`", page)
    for rule in RULES.values():
        if rule.part == MailPart.HTML:
            assert any(
                rule.code == one or (one.endswith("…") and rule.code.startswith(one[:-1]))
                for one in marked
            ), rule.code


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
