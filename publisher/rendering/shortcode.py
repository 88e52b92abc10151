"""Render a template of the publication's for a shortcode of a site, at pick-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from publisher.rendering.environment import Templates


def render_shortcode(
    templates: Templates, name: str, language: str, values: Mapping[str, Any]
) -> str:
    """Return what a template shows for a shortcode; what is inside it is not escaped.

    Pick-up sanitises the result together with the article.
    """
    inside = Markup(values.get("inside", ""))  # noqa: S704 -- see above
    return templates.render(name, language, {**values, "inside": inside})
