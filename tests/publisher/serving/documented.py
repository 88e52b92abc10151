"""The configuration of nginx that docs/reference/serving.md shows.

Run as `python -m tests.publisher.serving.documented`, it writes it into the document anew.
"""

from dataclasses import replace

from publisher.config import FeedSettings, load_settings
from publisher.serving.nginx_site import nginx_config
from tests.publisher.serving.samples import HUB
from tests.publisher.serving.servers import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "reference" / "serving.md"


def configuration() -> str:
    """Print the demo publication's, with a hub."""
    settings = load_settings(REPOSITORY / "publisher" / "demo" / "data", {})
    settings = replace(settings, feeds=FeedSettings(hubs=(HUB,)))
    return nginx_config(settings, "/srv/lantern/public")


if __name__ == "__main__":
    before, fence, rest = DOCUMENT.read_text("utf-8").partition("```nginx\n")
    DOCUMENT.write_text(
        before + fence + configuration() + "```" + rest.partition("```")[2], "utf-8"
    )
