"""Jinja2, set up once: every template in the sandbox, every `.html` one escaped.

A publication's own folder goes before the shipped one; `shipped/` before a name reaches the
shipped template from inside the one that replaces it. What goes wrong in a template comes
out as RenderingError with its name and line. Knows nothing of digests and pages, nor in which
process it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from gettext import NullTranslations
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    pass_context,
)
from jinja2.loaders import split_template_path
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from publisher import languages
from publisher.errors import RenderingError
from publisher.rendering import custom_templates, filters, plaintext, subscriber_values
from publisher.rendering.catalogues import SOURCE_LANGUAGE, catalogue
from publisher.rendering.sandbox.limits import TemplateLimitError
from publisher.rendering.shipped import templates_folder
from publisher.rendering.typography import typeface

# Text and style sheets have no markup to escape into; their values are ours or plain words.
_UNESCAPED_SUFFIXES = (".txt", ".css")


class Templates:
    """The templates of one publication: its own, then the shipped ones.

    Its own are looked at once: where they have changed, there have to be others of these.
    """

    def __init__(self, own: Path | None) -> None:
        self.own = (own,) if own is not None else ()
        self._environment = _environment((*self.own, templates_folder())) if own else _shipped()

    def render(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """Render a template with the strings of a language.

        Raises RenderingError naming the template, the line and the reason.
        """
        return self._render(name, self._given(language, values))

    def render_each(
        self, names: Sequence[str], language: str, values: Mapping[str, Any]
    ) -> list[str]:
        """Render several templates of the same values; as `render`, but looks up strings once."""
        given = self._given(language, values)
        return [self._render(name, given) for name in names]

    def _given(self, language: str, values: Mapping[str, Any]) -> dict[str, Any]:
        translations, found = catalogue(language, self.own)
        return {
            **values,
            "translations": _Strings(translations),
            "lang": language,
            "chrome": language if found else SOURCE_LANGUAGE,
        }

    def _render(self, name: str, given: dict[str, Any]) -> str:
        try:
            return self._output(self._environment.get_template(name), given)
        except (Exception, TemplateLimitError) as error:
            # A template is a program of the user's: anything at all may come out of it.
            raise RenderingError(self._reason(name, error)) from error

    def _output(self, template: Template, given: dict[str, Any]) -> str:
        return template.render(given)

    def _reason(self, name: str, error: BaseException) -> str:
        if isinstance(error, TemplateSyntaxError):
            return f"templates/{error.name or name}, line {error.lineno}: {error.message}"
        place = self._place(error.__traceback__) or f"templates/{name}"
        return f"{place}: {self._why(error)}"

    def _why(self, error: BaseException) -> str:
        if isinstance(error, TemplateNotFound):
            return f"there is no template {error.message}"
        if isinstance(error, RecursionError):
            return "it is nested too deeply, or calls itself without end (recursion)"
        reason = error.message if isinstance(error, TemplateError) else str(error)
        return reason or type(error).__name__

    def _place(self, traceback: TracebackType | None) -> str | None:
        place = None
        while traceback is not None:
            file = Path(traceback.tb_frame.f_code.co_filename)
            for folder in (*self.own, templates_folder()):
                if file.is_relative_to(folder):
                    where = file.relative_to(folder).as_posix()
                    place = f"templates/{where}, line {_line(traceback)}"
            traceback = traceback.tb_next
        return place


def _line(traceback: TracebackType) -> int:
    # Jinja gives an Exception's traceback the lines of the template, and no other's.
    template = traceback.tb_frame.f_globals.get("__jinja_template__")
    line = traceback.tb_lineno
    return template.get_corresponding_lineno(line) if isinstance(template, Template) else line


class _OwnFolder(BaseLoader):
    """Loads from a folder in which there may be anything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        del environment
        parts = split_template_path(template)
        path = self._folder.joinpath(*parts)
        if any(map(custom_templates.is_hidden_name, parts)) or not os.path.lexists(path):
            raise TemplateNotFound(template)
        return (
            custom_templates.read_custom_template(self._folder, "/".join(parts)),
            str(path),
            lambda: True,
        )


@cache
def _shipped() -> ImmutableSandboxedEnvironment:
    # Compiling takes half a second, and these templates are everybody's; where a file has
    # changed, Jinja notices.
    return _environment((templates_folder(),))


def _environment(folders: tuple[Path, ...]) -> ImmutableSandboxedEnvironment:
    shipped = FileSystemLoader(folders[-1])
    own = [_OwnFolder(folder) for folder in folders[:-1]]
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([*own, shipped, PrefixLoader({"shipped": shipped})]),
        undefined=StrictUndefined,
        autoescape=lambda name: name is None or not name.endswith(_UNESCAPED_SUFFIXES),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    # The extension adds this method when it is loaded, which type checkers can't see.
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # as said above
        _gettext, _ngettext, newstyle=True
    )
    environment.filters |= subscriber_values.guarded_filters(
        environment.filters | TEMPLATE_FILTERS
    )
    environment.tests |= subscriber_values.guarded_tests(environment.tests)
    environment.globals |= {"ui": _ui, "tongue": _tongue}
    return environment


class _Strings:
    """A catalogue as templates may see it: its other methods would let them change it."""

    __slots__ = ("_catalogue",)

    def __init__(self, catalogue: NullTranslations) -> None:
        self._catalogue = catalogue

    def gettext(self, message: str) -> str:
        return self._catalogue.gettext(message)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return self._catalogue.ngettext(singular, plural, number)


@pass_context
def _gettext(context: Context, message: str) -> str:
    text: str = context["translations"].gettext(message)
    return text


@pass_context
def _ngettext(context: Context, singular: str, plural: str, number: int) -> str:
    text: str = context["translations"].ngettext(singular, plural, number)
    return text


@pass_context
def _ui(context: Context, around: str | None = None) -> Markup:
    """Mark a string of ours, where the text around it is in another language."""
    return _tongue(context, context["chrome"], around)


@pass_context
def _tongue(context: Context, language: str, around: str | None = None) -> Markup:
    """Mark words in a language, unless the text around them is in it anyway."""
    same = language == (around or context["lang"])
    return Markup() if same else Markup(" ") + language_attributes(language)


@lru_cache(maxsize=256)
def language_attributes(language: str) -> Markup:
    """Give the attributes that every element with its own language carries."""
    return Markup('lang="{}" dir="{}"').format(language, languages.direction(language))


def _absolute_html(html: str, base: str) -> Markup:
    # Sanitised when it was picked up: this is the one place where HTML is taken as it is.
    return Markup(filters.absolute_html(html, str(escape(base))))  # noqa: S704 -- see above


TEMPLATE_FILTERS: dict[str, Any] = {
    "absolute": filters.absolute_url,
    "absolute_html": _absolute_html,
    "affiliated": filters.byline_text,
    "arrow": filters.arrow,
    "autonym": languages.autonym,
    "clock": filters.duration_text,
    "comma": filters.comma,
    "converted_from": filters.converted_from,
    "css_string": filters.css_string,
    "date": languages.format_date,
    "direction": languages.direction,
    "end": filters.end_side,
    "file_name": filters.file_name,
    "isolate": plaintext.isolate,
    "isolate_lines": plaintext.isolate_lines,
    "mail_picture": filters.mail_picture,
    "marks": language_attributes,
    "minutes": languages.reading_minutes,
    "list_names": languages.list_names,
    "names": filters.byline_names,
    "one_line": plaintext.to_one_line,
    "otherwise": subscriber_values.otherwise,
    "own_picture": filters.own_picture,
    "shorten": plaintext.shorten_to_columns,
    "start": filters.start_side,
    "typeface": typeface,
}
