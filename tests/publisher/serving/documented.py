"""The configurations that docs/reference/serving.md shows.

Run as `python -m tests.publisher.serving.documented`, it writes them into the document anew.
"""

from dataclasses import replace
from pathlib import Path

from publisher.config import FeedSettings, load_settings
from publisher.serving import caddy_config, nginx_config

REPOSITORY = Path(__file__).resolve().parents[3]
DOCUMENT = REPOSITORY / "docs" / "reference" / "serving.md"
ROOT = "/srv/lantern/public"
HUB = "https://hub.example.net/"


def configurations() -> dict[str, str]:
    """Print the demo publication's, with a hub, by language of the fenced block."""
    settings = load_settings(REPOSITORY / "publisher" / "demo" / "data", {})
    settings = replace(settings, feeds=FeedSettings(hubs=(HUB,)))
    return {"nginx": nginx_config(settings, ROOT), "caddy": caddy_config(settings, ROOT)}


def with_configurations(text: str) -> str:
    """Put them into the text in place of what is there."""
    for name, printed in configurations().items():
        before, fence, rest = text.partition(f"```{name}\n")
        text = before + fence + printed + "```" + rest.partition("```")[2]
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(with_configurations(DOCUMENT.read_text("utf-8")), "utf-8")
