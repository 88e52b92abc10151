"""Sites as three generators build them that the program does not know: the pages of a usual theme of each."""

import random
from dataclasses import dataclass
from pathlib import Path

BASE = "https://tide.example"
_WORDS = {
    "en": "harbour crane ship tide wind morning captain repair quay lantern rope signal council bridge storm",
    "fr": "port grue navire marée vent matin capitaine réparation quai lanterne corde signal conseil pont orage",
}
MENU = "Home Archive About this site Subscribe"
FOOTER = "Copyright of the tide office. All rights reserved. Follow us everywhere"


@dataclass(frozen=True, slots=True)
class Post:
    """An article: its path on the site, and what its page should be read as."""

    path: str
    language: str
    title: str
    day: str
    paragraphs: tuple[str, ...]
    other: str = ""

    @property
    def url(self) -> str:
        return f"{BASE}/{self.path}"

    @property
    def body(self) -> str:
        first, *rest = (f"<p>{one}</p>" for one in self.paragraphs)
        table = "<table><tr><th>Ship</th><td>forty</td></tr></table><pre><code>lift(40)</code></pre>"
        return f"{first}<h2>Repair</h2>{table}{''.join(rest)}"


def posts(count: int) -> list[Post]:
    """Return so many stories, each third one in two languages."""
    chance, made = random.Random(7), list[Post]()
    for number in range(count):
        for language in ("en", "fr") if number % 3 == 0 else ("en",):
            words = _WORDS[language].split()
            texts = tuple(
                " ".join(chance.choices(words, k=chance.randint(20, 60))).capitalize() + "."
                for _paragraph in range(chance.randint(2, 6))
            )
            prefix = "fr/" if language == "fr" else ""
            other = f"{'' if prefix else 'fr/'}posts/story-{number}/" if number % 3 == 0 else ""
            title = f"{words[number % len(words)].capitalize()} {number}: {words[0]}"
            day = f"2026-0{1 + number % 9}-{1 + number % 28:02}"
            made.append(
                Post(f"{prefix}posts/story-{number}/", language, title, day, texts, other)
            )
    return made


def _shell(generator: str, language: str, title: str, head: str, main: str) -> str:
    site = "Tide office"
    start = f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><meta name="generator" content="{generator}">'
    menu = "".join(f"<li><a href='/'>{one}</a></li>" for one in MENU.split())
    bodies = {
        "Astro": f"<header><nav><h2><a href='/'>{site}</a></h2><div>{menu}</div></nav></header><main>{main}</main><footer>{FOOTER}</footer>",
        "Zola": f"<div class='container'><header class='header'><div class='header__logo'>{site}</div><nav class='menu'><ul>{menu}</ul></nav></header>"
        f"<div class='content'>{main}</div><footer class='footer'>{FOOTER}</footer></div>",
        "Pelican": f"<header id='banner' class='body'><h1><a href='/'>{site}</a></h1><nav><ul>{menu}</ul></nav></header>{main}"
        f"<section id='extras' class='body'><div class='blogroll'><h2>links</h2><ul>{menu}</ul></div></section><footer id='contentinfo' class='body'>{FOOTER}</footer>",
    }
    return f"{start}<title>{title} | {site}</title>{head}</head><body>{bodies[generator]}</body></html>"


def post_page(generator: str, post: Post, others: list[Post]) -> str:
    links = {post.language: post.path} | (
        {"fr" if post.language == "en" else "en": post.other} if post.other else {}
    )
    head = "".join(
        f'<link rel="alternate" hreflang="{tag}" href="{BASE}/{path}">'
        for tag, path in links.items()
    )
    if generator != "Pelican":
        head += f'<link rel="canonical" href="{post.url}"><meta property="og:title" content="{post.title}">'
    near = "".join(f"<li><a href='/{one.path}'>{one.title}</a></li>" for one in others[:4])
    mains = {
        "Astro": f"<article><div class='hero-image'></div><div class='prose'><div class='title'><div class='date'><time datetime='{post.day}T00:00:00.000Z'>"
        f"{post.day}</time></div><h1>{post.title}</h1><hr></div>{post.body}</div></article><aside><h3>Related posts</h3><ul>{near}</ul></aside>",
        "Zola": f"<div class='post'><h1 class='post-title'><a href='{post.url}'>{post.title}</a></h1><div class='post-meta'><span class='post-date'>{post.day}"
        f"</span></div><span class='post-tags-inline'>:: tags: <a class='post-tag' href='/tags/a'>#a</a></span><div class='post-content'>{post.body}</div>"
        f"<div class='pagination'><div class='pagination__title'><span>Thanks for reading! Read other posts?</span></div><ul>{near}</ul></div></div>",
        "Pelican": f"<section id='content' class='body'><article><header><h1 class='entry-title'><a href='/{post.path}' rel='bookmark'>{post.title}</a></h1></header>"
        f"<div class='entry-content'><footer class='post-info'><abbr class='published' title='{post.day}T00:00:00+00:00'>Published: {post.day}</abbr>"
        f"<p>In <a href='/category/sea'>sea</a>.</p></footer>{post.body}</div></article></section>",
    }
    return _shell(generator, post.language, post.title, head, mains[generator])


def _list_page(generator: str, title: str, listed: list[Post]) -> str:
    items = {
        "Astro": "<li><a href='/{0.path}'><h4 class='title'>{0.title}</h4><p class='date'><time datetime='{0.day}'>{0.day}</time></p></a></li>",
        "Zola": "<div class='post on-list'><h1 class='post-title'><a href='/{0.path}'>{0.title}</a></h1><span class='post-date'>{0.day}</span><p>{0.paragraphs[0]}</p></div>",
        "Pelican": "<li><article class='hentry'><header><h1><a href='/{0.path}'>{0.title}</a></h1></header><abbr class='published' title='{0.day}'>{0.day}</abbr>"
        "<p>{0.paragraphs[0]}</p></article></li>",
    }
    shown = "".join(items[generator].format(one) for one in listed)
    return _shell(generator, "en", title, "", f"<h1>{title}</h1><ul>{shown}</ul>")


def build_site(generator: str, folder: Path, made: list[Post]) -> None:
    """Write a site as a generator builds it: posts, lists, pages of lists, tags, an old address and what is not found."""
    pages = {one.path: post_page(generator, one, made[::-1]) for one in made}
    for number, start in enumerate(range(0, len(made), 10)):
        pages[f"page/{number + 1}/"] = _list_page(
            generator, "Archive", made[start : start + 10]
        )
    pages |= {"": pages["page/1/"], "tags/a/": _list_page(generator, "Tag a", made[:1])}
    pages["about/"] = _shell(
        generator, "en", "About", "", f"<h1>About</h1><p>{made[0].paragraphs[0]}</p>"
    )
    pages["old/"] = (
        f'<!doctype html><meta charset="utf-8"><link rel="canonical" href="{made[0].url}"><meta http-equiv="refresh" content="0; url={made[0].url}"><title>Redirect</title>'
    )
    for path, text in pages.items():
        (folder / path).mkdir(parents=True, exist_ok=True)
        (folder / path / "index.html").write_text(text, "utf-8")
    (folder / "404.html").write_text(
        _shell(generator, "en", "404", "", "<h1>Not found</h1>"), "utf-8"
    )
