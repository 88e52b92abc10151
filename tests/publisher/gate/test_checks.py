from __future__ import annotations

from publisher.gate.checks import CHECKS, MOST_OF_A_RULE, RULES, check_mail
from publisher.gate.findings import Severity
from tests.publisher.gate.messages import a_mail
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


def test_codes_are_unique_and_have_one_form() -> None:
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes))
    assert all(code == code.lower() and " " not in code for code in codes)


def test_every_rule_has_an_imperative_and_a_reason() -> None:
    for rule in RULES:
        assert rule.fix[0].islower() or rule.fix[0] in "@<", rule.code
        assert not rule.fix.endswith("."), rule.code
        assert rule.why.endswith("."), rule.code


def test_a_module_finds_only_what_its_rules_describe() -> None:
    hostile = mail_of("<p style='color:#eee; padding:1px' lang=xx>{{ x }}<a href=''></a><img>")
    for mail in (hostile, a_mail()):
        for module in CHECKS:
            assert {one.rule for one in module.check(mail)} <= set(module.RULES)
