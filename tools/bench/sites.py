"""What a real site costs: its first import, and cycles after it, as whole processes.

The site is fictitious: posts in four languages with front matter, links among them, pictures and
authors, in the form of Jekyll or Hugo. Seconds are processor time, so other programs do not count.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from PIL import Image
from rich.table import Table

from tests.processes import COMMAND, ENVIRONMENT
from tools.bench.sizes import size

COLUMNS = ("Processor seconds", "MB at most")
POSTS = size(5_000, smallest=8)
LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ar")
# Posts that mention one picture.
_POSTS_PER_PICTURE = 50
# Stories at the end without a date, which the repository's history dates.
_UNDATED = 2
_BEGINNING = date(2012, 1, 1)
_TEXT = "The *harbour* of Example was calm, and **nobody** in it had anything to say.\n\n" * 20
_HUGO = """
title = "The Example Lantern"
baseURL = "https://lantern.example.org/"
defaultContentLanguage = "en"
[permalinks]
posts = "/:year/:slug/"
[languages.en]
[languages.zh-Hans]
[languages.zh-Hant]
[languages.ar]
"""
_JEKYLL = """
title: The Example Lantern
url: https://lantern.example.org
permalink: /:year/:title/
"""


def measure(table: Table) -> None:
    """Measure a site in each form, as rows of a table."""
    for name, post_file in (("Jekyll", jekyll_post), ("Hugo", hugo_post)):
        with tempfile.TemporaryDirectory() as folder:
            _measure_site(table, name, Path(folder), post_file)


def _measure_site(
    table: Table, name: str, folder: Path, post_file: Callable[[int, str], tuple[str, str]]
) -> None:
    site, publication = folder / "site", folder / "publication"
    site.mkdir()
    write_site_files(site, name)
    stories = POSTS // len(LANGUAGES)
    for number in range(stories):
        _write_story(site, number, post_file)
    _commit(site)

    def add_row(what: str, words: tuple[str, ...]) -> None:
        seconds, megabytes = process_cost(*words)
        table.add_row(f"{name}: {what}", f"{seconds:.2f}", f"{megabytes:.0f}")

    cycle = ("run", "--once", str(publication))
    add_row(f"new --from, {POSTS:,} posts", ("new", str(publication), "--from", str(site)))
    add_row("the first import", cycle)
    _settle()
    process_cost(*cycle)
    add_row("nothing changed", cycle)
    changed = site / post_file(stories // 2, LANGUAGES[0])[0]
    for what in ("one post changed", "its title changed"):
        old, new = ("calm", "rough") if what == "one post changed" else ("Story", "Tale")
        changed.write_text(changed.read_text("utf-8").replace(old, new), "utf-8")
        add_row(what, cycle)
    _write_story(site, stories, post_file, LANGUAGES[:1])
    add_row("one new post", cycle)


def _settle() -> None:
    # What changed within the last seconds is read again, since file times are coarse.
    time.sleep(3)


def process_cost(*words: str) -> tuple[float, float]:
    """Run a command of the program; give its seconds of processor time and its memory in MB.

    Both with those of its own processes; the memory is that of the largest one.
    """
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            [*COMMAND, *words], env=ENVIRONMENT, stdout=printed, stderr=printed
        )
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            printed.seek(0)
            raise RuntimeError(f"publisher {' '.join(words)}: {printed.read().decode()}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def write_site_files(site: Path, name: str) -> None:
    """Write the configuration of a site, and its pictures."""
    if name == "Jekyll":
        (site / "_config.yml").write_text(_JEKYLL, "utf-8")
        pictures = site / "images"
    else:
        (site / "hugo.toml").write_text(_HUGO, "utf-8")
        pictures = site / "static" / "images"
    pictures.mkdir(parents=True)
    for number in range(POSTS // _POSTS_PER_PICTURE + 1):
        colour = (number * 5 % 256, number * 7 % 256, 90)
        Image.new("RGB", (1200, 800), colour).save(pictures / f"{number}.png")


def _write_story(
    site: Path,
    number: int,
    post_file: Callable[[int, str], tuple[str, str]],
    languages: tuple[str, ...] = LANGUAGES,
) -> None:
    for language in languages:
        path, text = post_file(number, language)
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, "utf-8")


def _day(number: int) -> date:
    return _BEGINNING + timedelta(days=number)


def _others(number: int) -> list[int]:
    """Return the stories that a post links to."""
    return [number * 7 // 10, number // 2, number // 3]


def _picture(number: int) -> str:
    return f"![The harbour](/images/{number // _POSTS_PER_PICTURE}.png)"


def jekyll_post(number: int, language: str) -> tuple[str, str]:
    """Return a post's path and text; it links by template tag, and by address."""
    stem = f"{_day(number)}-story-{number}"
    newest, older, oldest = _others(number)
    text = f"""---
layout: post
title: "Story {number} in {language}"
lang: {language}
ref: story-{number}
permalink: /{language}/{_day(number).year}/story-{number}/
author: Author {number % 20}
tags: [Harbour, Topic {number % 12}]
---
{_picture(number)}

Read [the last one]({{% post_url {language}/{_day(newest)}-story-{newest} %}}), also
[an older one](/{language}/{_day(older).year}/story-{older}/), and
[the oldest]({{{{ site.url }}}}/{language}/{_day(oldest).year}/story-{oldest}/).

{{% if page.lang == "en" %}}In English.{{% endif %}} {_TEXT}
"""
    return f"_posts/{language}/{stem}.md", text


def hugo_post(number: int, language: str) -> tuple[str, str]:
    """Return a post's path and text; it links by shortcode, by file, and by address."""
    newest, older, oldest = _others(number)
    stories = POSTS // len(LANGUAGES)
    is_dated = not stories - _UNDATED <= number < stories
    text = f"""+++
title = "Story {number} in {language}"
slug = "story-{number}"
{f"date = {_day(number)}" if is_dated else ""}
authors = ["Author {number % 20}"]
tags = ["Harbour", "Topic {number % 12}"]
aliases = ["/old/{language}/{number}/"]
+++
{_picture(number)}

Read [the last one]({{{{< relref "story-{newest}.md" >}}}}), also [an older one](story-{older}.md), and
[the oldest](/old/{language}/{oldest}/).

In {language}. {_TEXT}
"""
    ending = "md" if language == "en" else f"{language}.md"
    return f"content/posts/story-{number}.{ending}", text


def _commit(site: Path) -> None:
    git = shutil.which("git")
    if git is None:
        return
    author = ("-c", "user.name=Example", "-c", "user.email=editor@example.org")
    for words in (("init", "-q"), ("add", "."), (*author, "commit", "-q", "-m", "All")):
        subprocess.run([git, *words], cwd=site, check=True, capture_output=True)
