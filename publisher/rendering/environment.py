"""Jinja2 set up once: every template runs in Jinja's sandbox, and `.html` is escaped.

A publication's own folder comes before the shipped one. `shipped/` before a name is the shipped
template, also from inside the one that replaces it. Faults are raised as RenderingError with the
template's name and line. A shortcode of a site may be shown by a template of the publication's, at pick-up.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache, partial
from gettext import NullTranslations
from pathlib import Path
from types import TracebackType
from typing import Any

import jinja2
from jinja2.loaders import split_template_path
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from publisher.articles.content.internal_links import link_anchors
from publisher.errors import RenderingError
from publisher.languages import locales
from publisher.languages.catalogues import SOURCE_LANGUAGE, shipped_templates_folder
from publisher.rendering import filters, plaintext
from publisher.rendering.colours_and_fonts import typeface
from publisher.rendering.template_files import (
    catalogue,
    catalogue_faults,
    is_hidden_name,
    read_custom_template,
    shipped_template_names,
)
from publisher.urls import author_path, topic_path
from subscribers.addresses import readable_address

_UNESCAPED_SUFFIXES = (".txt", ".css", ".js")  # text and style sheets have no markup to escape

# The folders of the templates of pages and feeds; all others are of mails.
PAGE_FOLDERS = ("web/", "feed/")
# What follows from a fault of one of those.
FALLS_BACK = "the built-in template is used until it is mended; issues that are made meanwhile keep their pages"

# Whether templates may read an attribute of a type. Templates make names of attributes, too.
_SAFE_ATTRIBUTES: dict[tuple[type, str], bool] = {}
_MAX_SAFE_ATTRIBUTES = 5_000


Catalogues = Callable[[str], tuple[NullTranslations, bool]]


class TemplateLimitError(BaseException):
    """A template used more time, memory or output than it may; the message is the reason.

    Not an Exception: code that only tries whether something works must not catch it.
    """


class Templates:
    """The templates of one publication: its own, then the shipped ones.

    They are read once. If a file of `own` changes, make a new object. `words` returns
    the translations for a language and whether there are any, by default those of `messages.po`.
    """

    def __init__(self, own: Path | None, words: Catalogues | None = None) -> None:
        self.own = (own,) if own is not None else ()
        # Finding a language's catalogue among the others takes longer than rendering a feed's entry.
        self._words: Catalogues = cache(words or partial(catalogue, folders=self.own))
        folders = (*self.own, shipped_templates_folder())
        self._environment = _environment(folders) if own else _shipped_environment()

    def load(self, names: Iterable[str]) -> None:
        """Compile templates, which the first page that needs them does otherwise."""
        for name in names:
            self._environment.get_template(name)

    def render(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """Return a template's output, the program's words in a language. RenderingError has template, line and reason."""
        return self._render(name, self._given(language, values))

    def render_each(
        self, names: Sequence[str], language: str, values: Mapping[str, Any]
    ) -> list[str]:
        given = self._given(language, values)
        return [self._render(name, given) for name in names]

    def faults(self) -> list[str]:
        """Return what is wrong with templates of pages and feeds and with catalogues, without rendering any."""
        found = [*catalogue_faults(self.own)]
        pages = sorted(one for one in shipped_template_names() if one.startswith(PAGE_FOLDERS))
        for name in (one for one in pages if any((f / one).exists() for f in self.own)):
            try:
                self._environment.get_template(name)
            except (Exception, TemplateLimitError) as error:  # noqa: BLE001  # of any template
                found.append(f"{self._reason(name, error)}; {FALLS_BACK}")
        return found

    def words_language(self, language: str) -> str:
        """Return the language in which the program's words are: English where a language has none."""
        return language if self._words(language)[1] else SOURCE_LANGUAGE

    def _given(self, language: str, values: Mapping[str, Any]) -> dict[str, Any]:
        translations, _found = self._words(language)
        return {
            **values,
            "translations": _Strings(translations),
            "lang": language,
            "chrome": self.words_language(language),
        }

    def _render(self, name: str, given: dict[str, Any]) -> str:
        try:
            return self._output(self._environment.get_template(name), given)
        except (Exception, TemplateLimitError) as error:
            # A template is a program: it may raise anything.
            raise RenderingError(self._reason(name, error)) from error

    def _output(self, template: jinja2.Template, given: dict[str, Any]) -> str:
        return template.render(given)

    def _reason(self, name: str, error: BaseException) -> str:
        if isinstance(error, jinja2.TemplateSyntaxError):
            return f"templates/{error.name or name}, line {error.lineno}: {error.message}"
        position = self._position(error.__traceback__) or f"templates/{name}"
        return f"{position}: {self._cause(error)}"

    def _cause(self, error: BaseException) -> str:
        if isinstance(error, jinja2.TemplateNotFound):
            return f"there is no template {error.message}"
        if isinstance(error, RecursionError):
            return "it is nested too deeply, or calls itself without end (recursion)"
        reason = error.message if isinstance(error, jinja2.TemplateError) else str(error)
        return reason or type(error).__name__

    def _position(self, traceback: TracebackType | None) -> str | None:
        position = None
        while traceback is not None:
            file = Path(traceback.tb_frame.f_code.co_filename)
            for folder in (*self.own, shipped_templates_folder()):
                if file.is_relative_to(folder):
                    where = file.relative_to(folder).as_posix()
                    position = f"templates/{where}, line {_line(traceback)}"
            traceback = traceback.tb_next
        return position


def _line(traceback: TracebackType) -> int:
    # Jinja rewrites the lines of an Exception's traceback only, not of a BaseException's.
    template = traceback.tb_frame.f_globals.get("__jinja_template__")
    line = traceback.tb_lineno
    return (
        template.get_corresponding_lineno(line)
        if isinstance(template, jinja2.Template)
        else line
    )


class _CustomLoader(jinja2.BaseLoader):
    """Loads templates from a publication's own folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        del environment
        parts = split_template_path(template)
        path = self._folder.joinpath(*parts)
        if any(map(is_hidden_name, parts)) or not os.path.lexists(path):
            raise jinja2.TemplateNotFound(template)
        return (read_custom_template(self._folder, "/".join(parts)), str(path), lambda: True)


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, which decides once for each type and attribute.

    A page reads hundreds of attributes. The decision depends on nothing else.
    """

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        place = type(obj), attr
        if place not in _SAFE_ATTRIBUTES:
            if len(_SAFE_ATTRIBUTES) >= _MAX_SAFE_ATTRIBUTES:
                _SAFE_ATTRIBUTES.clear()
            _SAFE_ATTRIBUTES[place] = super().is_safe_attribute(obj, attr, value)
        return _SAFE_ATTRIBUTES[place]


@cache
def _shipped_environment() -> ImmutableSandboxedEnvironment:
    # Compiling takes half a second, and every publication uses these templates.
    return _environment((shipped_templates_folder(),))


def _environment(folders: tuple[Path, ...]) -> ImmutableSandboxedEnvironment:
    shipped = jinja2.FileSystemLoader(folders[-1])
    own = [_CustomLoader(folder) for folder in folders[:-1]]
    environment = _Environment(
        loader=jinja2.ChoiceLoader([*own, shipped, jinja2.PrefixLoader({"shipped": shipped})]),
        undefined=jinja2.StrictUndefined,
        autoescape=lambda name: name is None or not name.endswith(_UNESCAPED_SUFFIXES),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.policies["json.dumps_function"] = _short_json
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
        _gettext, _ngettext, newstyle=True
    )
    environment.filters |= filters.guarded_filters(environment.filters | TEMPLATE_FILTERS)
    environment.tests |= filters.guarded_tests(environment.tests)
    environment.globals |= {"ui": _ui, "tongue": _language_attributes_if_needed}
    return environment


def _short_json(value: object, **_usual: object) -> str:
    """Return JSON with letters as they are: escaped, those of Chinese take twice the bytes."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    # To scripts of old, these end a line.
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


class _Strings:
    """A catalogue for templates, without the methods that would change it."""

    __slots__ = ("_catalogue",)

    def __init__(self, catalogue: NullTranslations) -> None:
        self._catalogue = catalogue

    def gettext(self, message: str) -> str:
        return self._catalogue.gettext(message)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return self._catalogue.ngettext(singular, plural, number)


@jinja2.pass_context
def _gettext(context: Context, message: str) -> str:
    text: str = context["translations"].gettext(message)
    return text


@jinja2.pass_context
def _ngettext(context: Context, singular: str, plural: str, number: int) -> str:
    text: str = context["translations"].ngettext(singular, plural, number)
    return text


@jinja2.pass_context
def _ui(context: Context, around: str | None = None) -> Markup:
    """Return language attributes for the program's words, if the text around has another language."""
    return _language_attributes_if_needed(context, context["chrome"], around)


@jinja2.pass_context
def _language_attributes_if_needed(
    context: Context, language: str, around: str | None = None
) -> Markup:
    """Return language attributes, unless the text around is in that language."""
    same = language == (around or context["lang"])
    return Markup() if same else Markup(" ") + language_attributes(language)


@lru_cache(maxsize=256)
def language_attributes(language: str) -> Markup:
    """Return the attributes `lang` and `dir` of an element in a language."""
    return Markup('lang="{}" dir="{}"').format(language, locales.direction(language))


def _absolute_html(html: str, base: str, page: str = "") -> Markup:
    # An article's HTML was sanitised at pick-up. Nowhere else is HTML taken as it is.
    linked = link_anchors(html, str(escape(page))) if page else html
    return Markup(filters.absolute_html(linked, str(escape(base))))  # noqa: S704 -- see above


TEMPLATE_FILTERS: dict[str, Any] = {
    "absolute": filters.absolute_url,
    "absolute_html": _absolute_html,
    "affiliated": filters.byline_text,
    "arrow": filters.arrow,
    "author_path": author_path,
    "autonym": locales.autonym,
    "clock": filters.duration_text,
    "comma": filters.comma,
    "converted_from": filters.converted_from,
    "css_string": filters.css_string,
    "date": locales.format_date,
    "direction": locales.direction,
    "end": filters.end_side,
    "file_name": filters.file_name,
    "isolate": plaintext.isolate,
    "isolate_lines": plaintext.isolate_lines,
    "mail_picture": filters.mail_picture,
    "marks": language_attributes,
    "own_digits": locales.own_digits,
    "reading_time": locales.reading_time,
    "list_names": locales.list_names,
    "month": locales.format_month,
    "names": filters.byline_names,
    "one_line": plaintext.to_one_line,
    "otherwise": filters.otherwise,
    "own_picture": filters.own_picture,
    "plural_samples": locales.plural_samples,
    "readable_address": readable_address,
    "site_name": filters.site_name,
    "shorten": plaintext.shorten_to_columns,
    "start": filters.start_side,
    "title_list": filters.title_list,
    "topic_path": topic_path,
    "typeface": typeface,
    "underline": plaintext.underline,
}


def render_shortcode(
    templates: Templates, name: str, language: str, values: Mapping[str, Any]
) -> str:
    """Return what a template shows for a shortcode; what is inside it is not escaped.

    Pick-up sanitises the result together with the article.
    """
    inside = Markup(values.get("inside", ""))  # noqa: S704 -- see above
    return templates.render(name, language, {**values, "inside": inside})
