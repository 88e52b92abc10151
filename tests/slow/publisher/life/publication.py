"""A publication in three languages that sends through a Postfix of its own."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from tests.postfix import Postfix

SENDER = "digest@news.example.org"
BOUNCES = "bounces@news.example.org"
LANGUAGES = ("en", "zh-Hant", "ar")
ZONE = "Asia/Hong_Kong"

_SETTINGS = """\
[publication]
title = {{ en = "The Lantern", zh-Hant = "燈籠", ar = "الفانوس" }}
url = "{url}"
languages = ["en", "zh-Hant", "ar"]
timezone = "{zone}"
sender = "The Lantern <digest@news.example.org>"
address = "1 Example Street, Example City"

[[source]]
kind = "folder"
path = "articles"

[[newsletter]]
name = "weekly"
title = {{ en = "The week", zh-Hant = "一週燈火", ar = "حصاد الأسبوع" }}
schedule = "{schedule}"

[delivery]
transport = "smtp"

[delivery.smtp]
host = "{host}"
port = {port}
tls = "none"
bounces = "{bounces}"
verp = true
{more}
"""


def lay_out(
    folder: Path, server: Postfix, url: str, schedule: str = "0 8 * * FRI", more: str = ""
) -> Path:
    """Write the publication into a folder: its settings, and the articles of the demo."""
    folder.mkdir(parents=True, exist_ok=True)
    text = _SETTINGS.format(
        url=url,
        zone=ZONE,
        schedule=schedule,
        host=server.host,
        port=server.port,
        bounces=BOUNCES,
        more=more,
    )
    (folder / "publication.toml").write_text(text, "utf-8")
    with as_file(files("publisher") / "demo" / "data" / "articles") as articles:
        for name in (*LANGUAGES, "images", "sounds"):
            shutil.copytree(articles / name, folder / "articles" / name)
    return folder
