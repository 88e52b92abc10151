"""The catalogues are complete, well formed and found by script."""

import re
from functools import cache
from gettext import c2py
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from publisher.languages import catalogues, locale_of, script
from publisher.rendering import template_files

# The official languages of the European Union but English, and fourteen others.
_OF_THE_UNION = "bg cs da de el es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv"
_OTHERS = "ar fa he hi id ja ko ru th tr uk vi zh-Hans zh-Hant"
LANGUAGES = (*_OF_THE_UNION.split(), *_OTHERS.split())
every_language = pytest.mark.parametrize("language", LANGUAGES)

NUMBERS = (0, 1, 2, 3, 11, 100)


@cache
def shipped(language: str) -> Catalog:
    folder = catalogues.shipped_templates_folder() / "locale" / language
    return template_files.read_catalogue(folder / "LC_MESSAGES" / "messages.po", language)


@cache
def used() -> frozenset[str | tuple[str, ...]]:
    options = {"newstyle_gettext": "true", "trimmed": "true"}
    kinds = ("**.html", "**.txt", "**.css")
    found = extract_from_dir(
        catalogues.shipped_templates_folder(),
        # The editors' pages have catalogues of their own (`test_console_catalogues`).
        [("console/**", "ignore"), *((kind, "jinja2") for kind in kinds)],
        dict.fromkeys(kinds, options),
    )
    return frozenset(message for _file, _line, message, _comments, _context in found)


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


@every_language
def test_every_string_of_the_templates_is_translated_and_nothing_else(language: str) -> None:
    whole = shipped(language)
    messages = [message for message in whole if message.id]
    assert {message.id for message in messages} == used()
    assert [
        m.id for m in messages if not template_files.is_complete(m, whole.num_plurals)
    ] == []
    assert not whole.obsolete


@every_language
def test_translations_use_the_same_placeholders_and_all_are_used(language: str) -> None:
    made, _found = template_files.catalogue(language)
    for message in shipped(language):
        if message.id and not message.pluralizable:
            source, translation = str(message.id), str(message.string)
            assert placeholders(translation) == placeholders(source)
            assert made.gettext(source) == translation


@every_language
def test_every_plural_form_is_native(language: str) -> None:
    translations, found = template_files.catalogue(language)
    assert found
    plurals = [message for message in used() if isinstance(message, tuple)]
    assert len(plurals) == 3
    for singular, plural in plurals:
        for number in NUMBERS:
            text = translations.ngettext(singular, plural, number)
            assert text not in {singular, plural}
            if script(language) != "Latn":
                assert not re.search(r"[A-Za-z]", re.sub(r"%\(num\)s", "", text))


@every_language
def test_the_plural_forms_are_those_of_cldr(language: str) -> None:
    whole = shipped(language)
    choose = c2py(whole.plural_expr)
    form = locale_of(language).plural_form
    order = ("zero", "one", "two", "few", "many", "other")
    kinds = [kind for kind in order if kind in {*form.tags, "other"}]
    assert whole.num_plurals == len(kinds)
    for number in (*range(130), 1_000, 1_000_000, 2_000_000):
        assert kinds[choose(number)] == form(number), number


def test_each_catalogue_is_of_a_language_that_is_tested() -> None:
    folders = (catalogues.shipped_templates_folder() / "locale").iterdir()
    assert {folder.name for folder in folders} == set(LANGUAGES)


def test_arabic_counts_in_six_forms() -> None:
    translations, _found = template_files.catalogue("ar")
    counted = [
        translations.ngettext("And %(num)s more article", "And %(num)s more articles", n)
        % {"num": n}
        for n in NUMBERS
    ]
    assert counted == [
        "ولا مقالات أخرى",
        "ومقالة أخرى",
        "ومقالتان أخريان",
        "و3 مقالات أخرى",
        "و11 مقالة أخرى",
        "و100 مقالة أخرى",
    ]


def test_english_counts_in_two_forms_and_stands_where_a_language_has_no_catalogue() -> None:
    translations, found = template_files.catalogue("en")
    assert found
    assert translations.ngettext("%(num)s article", "%(num)s articles", 1) == "%(num)s article"
    assert translations.ngettext("%(num)s article", "%(num)s articles", 0) == "%(num)s articles"
    translations, found = template_files.catalogue("nb")
    assert not found
    assert not catalogues.has_catalogue("nb")
    assert catalogues.has_catalogue("zh-Hant")
    assert translations.gettext("Unsubscribe") == "Unsubscribe"


@pytest.mark.parametrize(
    ("language", "unsubscribe"),
    [
        ("zh-Hant-HK", "取消訂閱"),
        ("zh-Hans-SG", "退订"),
        ("ar-EG", "إلغاء الاشتراك"),
        ("en-GB", "Unsubscribe"),
    ],
)
def test_a_regional_variety_finds_its_script(language: str, unsubscribe: str) -> None:
    translations, found = template_files.catalogue(language)
    assert found
    assert translations.gettext("Unsubscribe") == unsubscribe


def own(folder: Path, tag: str, text: str) -> tuple[Path, ...]:
    path = folder / "locale" / tag / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return (folder,)


def test_a_publication_brings_its_own_catalogue(tmp_path: Path) -> None:
    folders = own(
        tmp_path,
        "de_DE",
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
        'msgid "Unsubscribe"\nmsgstr "Abbestellen"\n\n'
        '#, fuzzy\nmsgid "Also in"\nmsgstr "Falsch"\n\n'
        'msgid "%(num)s article"\nmsgid_plural "%(num)s articles"\n'
        'msgstr[0] "%(num)s Artikel"\nmsgstr[1] ""\n',
    )
    translations, found = template_files.catalogue("de-DE", folders)
    assert found
    assert translations.gettext("Unsubscribe") == "Abbestellen"
    assert translations.gettext("Also in") == "Also in"
    plural = translations.ngettext("%(num)s article", "%(num)s articles", 3)
    assert plural == "%(num)s articles"


def test_folders_without_a_catalogue_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "locale" / "nb").mkdir(parents=True)
    (tmp_path / "locale" / "notes.md").write_text("none")
    assert not catalogues.has_catalogue("nb", (tmp_path,))
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "locale").write_text("none")
    assert catalogues.has_catalogue("ar", (tmp_path / "file",))


def test_a_publication_replaces_a_shipped_catalogue(tmp_path: Path) -> None:
    folders = own(tmp_path, "ar", 'msgid "Unsubscribe"\nmsgstr "x"\n')
    assert template_files.catalogue("ar", folders)[0].gettext("Unsubscribe") == "x"


@pytest.mark.parametrize(
    ("tag", "text", "fault"),
    [
        ("ar", "nonsense here\n", r"ar/LC_MESSAGES/messages\.po: not a catalogue: .*; the pro"),
        ("klingonish", "", r"'klingonish' is not a language tag, so it is not read$"),
        ("ar", 'msgid "By %(name)s"\nmsgstr "%(nam)s"\n', r"po, line 1: it has other"),
        ("ar", 'msgid "By %(name)s"\nmsgstr "%(name) s"\n', "other placeholders; English"),
    ],
)
def test_what_can_t_be_used_of_a_catalogue_is_named_and_stops_nothing(
    tmp_path: Path, tag: str, text: str, fault: str
) -> None:
    folders = own(tmp_path, tag, text)
    (found,) = template_files.catalogue_faults(folders)
    assert re.search(fault, found)
    assert template_files.catalogue("ar", folders)[0].gettext("By %(name)s") % {"name": "Ann"}
