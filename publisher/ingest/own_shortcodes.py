"""What a source says about the shortcodes of its own site: keep, drop, or a template shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from publisher.ingest.parsers.document import ShortcodeRule


class OwnShortcodes:
    """The rules for the shortcodes of one source; `templates` is the publication's folder of them."""

    def __init__(self, stated: Mapping[str, str], templates: Path, language: str) -> None:
        self._stated = stated
        self._templates = templates
        self.rules: dict[str, ShortcodeRule] = dict(stated)
        if any(map(_is_template, stated.values())):
            self._add_templates(language)

    def _add_templates(self, language: str) -> None:
        from publisher.rendering import Renderer  # few sources need it

        renderer = Renderer(self._templates)
        for name, rule in self._stated.items():
            if _is_template(rule):
                self.rules[name] = partial(renderer.shortcode, rule, language)

    @property
    def digest(self) -> str:
        """A hash of the rules and their templates; empty without rules."""
        if not self._stated:
            return ""
        hashed = hashlib.sha256(repr(sorted(self._stated.items())).encode())
        for rule in filter(_is_template, self._stated.values()):
            path = self._templates / rule
            hashed.update(path.read_bytes() if path.is_file() else b"")
        return hashed.hexdigest()


def _is_template(rule: str) -> bool:
    return rule.endswith(".html")
