"""Parse article pages saved from a browser as plain text: language switch, title, date, bylines.

    Language : English 简体 繁體
    The title
    Apr 10 , 2017
      • A Name

        Affiliation, with commas
    Paragraphs, apart by empty lines
    You might also like

Everything is text: what looks like HTML is escaped. Behind front matter, the whole file is the
article's text. The script of the text chooses the language, among those that the page offers. This does
not detect languages: of two with the same script, the first that is offered counts.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from html import escape

from publisher.articles.content.text import join_lines
from publisher.articles.model import Byline, ParsedArticle
from publisher.errors import ArticleError, LanguageError
from publisher.ingest.media.document_media import MediaLibrary
from publisher.ingest.parsers import front_matter
from publisher.ingest.parsers.document import (
    DocumentBody,
    SourceDocument,
    build_article,
    decode_document,
)
from publisher.ingest.parsers.fields import parse_date
from publisher.languages import autonym, locale_of, normalise, script

# The word before the colon in a page's language switch.
SWITCH_LABELS = frozenset(
    "language languages lang langue langues sprache sprachen idioma idiomas lingua taal язык "  # noqa: SIM905  # one a line would fill the page
    "языки мова dil 语言 語言 语言版本 語言版本 言語 언어 اللغة".split()
)

# Languages whose own names, and English ones, are read in a switch, and what some are called beside these. 中文
# alone may be either script: the page's text decides.
_NAMED = (
    "ar bg bn cs da de el en es fa fi fr he hi hr hu id it ja kk ko mn ms nl no pl pt pt-BR ro ru sk sr sv sw "  # noqa: SIM905  # one a line would fill the page
    "th tr uk ur vi zh-Hans zh-Hant".split()
)
LANGUAGE_LABELS = {
    "en": "en,eng,英文,英语,英語",
    "zh-Hans": "简体,中文简体,中文(简体),中文（简体）,简体版,简,簡體,簡體中文,简中,simplified chinese",
    "zh-Hant": "繁體,繁体,繁体中文,中文繁體,中文(繁體),中文（繁體）,正體,正體中文,繁體版,繁,繁中,traditional chinese",
    "zh": "中文,chinese",
    "ar": "عربي",
    "ja": "日本语",
    "ko": "조선말",
    "cs": "česky",
    "hi": "हिंदी",
    "id": "bahasa indonesia",
    "ms": "bahasa melayu",
    "kk": "қазақша",
}


def _labels_in(*lists: str) -> frozenset[str]:
    return frozenset(label for labels in lists for label in labels.split(","))


# Everything from such a line on belongs to the site, not to the article.
RELATED_LABELS = _labels_in(
    "you might also like,you may also like,you might also be interested in",
    "related articles,related posts,related stories,read more articles",
    "你可能也喜欢,您可能也喜欢,你可能还喜欢,您可能还喜欢,你也许还喜欢,猜你喜欢,相关文章,相关阅读,延伸阅读",
    "你可能也喜歡,您可能也喜歡,你可能還喜歡,您可能還喜歡,猜你喜歡,相關文章,相關閱讀,延伸閱讀",
    "関連記事,あわせて読みたい",
    "관련 기사,관련기사",
    "قد يعجبك أيضا,قد يعجبك أيضًا,مقالات ذات صلة",
    "vous aimerez aussi,articles similaires",
    "das könnte sie auch interessieren,das könnte dich auch interessieren",
    "también te puede interesar",
    "você também pode gostar",
    "potrebbe interessarti anche",
    "вам также может понравиться,читайте также",
)

# Such a line is removed wherever it stands.
TO_TOP_LABELS = _labels_in(
    "back to top,return to top,go to top,top",
    "返回顶部,回到顶部,返回页首,回到页首",
    "返回頂部,回到頂部,返回頁首,回到頁首,回頂部",
    "ページトップへ,ページの先頭へ,トップへ戻る",
    "맨 위로",
    "العودة إلى الأعلى,العودة للأعلى",
    "retour en haut,haut de page",
    "nach oben,zum seitenanfang",
    "volver arriba",
    "voltar ao topo",
    "torna su,torna all'inizio",
    "наверх",
)

# By ISO 15924 code. Only shares count, so rare letters may be missing.
_LETTERS = {
    "Latn": "A-Za-zÀ-ɏḀ-ỿ",
    "Cyrl": "Ѐ-ԯ",
    "Grek": "Ͱ-Ͽἀ-῿",
    "Arab": "؀-ۿݐ-ݿﭐ-﷿ﹰ-ﻼ",
    "Hebr": "֐-׿",
    "Deva": "ऀ-ॿ",
    "Beng": "ঀ-৿",
    "Thai": "฀-๿",
    "Kana": "ぁ-ゖァ-ヺ",
    "Kore": "가-힣",
    "Hani": "㐀-鿿豈-﫿\U00020000-\U0003ffff",
}
_CLASSES = {code: re.compile(f"[{letters}]") for code, letters in _LETTERS.items()}
# Japanese text is about half kana; Chinese text with a Japanese name has a few.
_KANA_SHARE = 0.1
# A word takes about six Latin letters, but two Han or Hangul characters.
_WEIGHTS = {"Hani": 3, "Kana": 3, "Kore": 3}
# Characters that are enough to decide.
_SAMPLE = 20_000


def language_by_script(text: str, offered: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Return the first offered language that has the text's script (or None), and all offered ones.

    A bare `zh` among them gets the page's script if that is Chinese, else zh-Hans.
    """
    own_script = dominant_script(text[:_SAMPLE])
    chinese = "zh-Hant" if own_script == "Hant" else "zh-Hans"
    tags = tuple(dict.fromkeys(chinese if tag == "zh" else tag for tag in offered))
    fitting = (tag for tag in tags if script(tag) == own_script)
    undecided = (
        tag for tag in tags if own_script == "Hani" and script(tag) in {"Hans", "Hant"}
    )
    return next(fitting, next(undecided, None)), tags


def dominant_script(text: str) -> str:
    """Return the ISO 15924 code of the text's main script; Hani if Hans and Hant are as likely."""
    counts = Counter({code: len(found.findall(text)) for code, found in _CLASSES.items()})
    han = counts["Hani"] + counts["Kana"]
    if han and counts["Kana"] >= _KANA_SHARE * han:
        counts["Jpan"] = han * _WEIGHTS["Hani"]
    for code, weight in _WEIGHTS.items():
        counts[code] *= weight
    code, count = counts.most_common(1)[0]
    if code in {"Jpan", "Hani", "Kana"} and counts["Jpan"]:
        return "Jpan"
    if not count:
        return "Zyyy"
    return chinese_script(text) if code == "Hani" else code


def chinese_script(text: str) -> str:
    """Return Hans or Hant by the characters that only one conversion changes; Hani if equal."""
    from publisher.languages.conversion import convert_text

    counts = Counter(_CLASSES["Hani"].findall(text))
    alone = "\n".join(counts)  # one a line, so that phrases are not converted

    def changed(source: str, target: str) -> set[str]:
        converted = convert_text(alone, source, target).split("\n")
        return {one for one, other in zip(counts, converted, strict=True) if one != other}

    simplified = changed("zh-Hans", "zh-Hant")
    traditional = changed("zh-Hant", "zh-Hans")
    hans = sum(counts[c] for c in simplified - traditional)
    hant = sum(counts[c] for c in traditional - simplified)
    if hans == hant:
        return "Hani"
    return "Hans" if hans > hant else "Hant"


_BULLET = re.compile(r"(?P<indent>\s*)[•●‣◦∙·]\s*(?P<text>\S.*)")
_SWITCH_LINE = re.compile(r"\s*(?P<word>[^:：]{2,20}?)\s*[:：]\s*(?P<labels>\S.*)")
# Characters; a name or an affiliation is shorter, and no sentence.
_MAX_BYLINE = 200
_SENTENCE = re.compile(r"[。！？!?;；:：]\Z|(?:\S+\s+){7,}\S+\.\Z")
_MAX_LABEL_WORDS = 3


def parse(document: SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Parse a text document; raises ArticleError if it can't be read."""
    parts = front_matter.split_front_matter(decode_document(document))
    if parts.fields is not None:
        paragraphs = _paragraphs(_without_site_lines(parts.body.split("\n")))
        body = DocumentBody(_markup(paragraphs))
        return build_article(document.describe(parts.fields), body, document, library)
    head = _HeadParser(_without_site_lines(parts.body.split("\n")))
    offered = head.switch()
    title = head.title()
    published, bylines = head.heads()
    paragraphs = _paragraphs(head.lines[head.position :])
    if not title:
        raise ArticleError.saying("no title; write it as the first line")
    if not paragraphs:
        raise ArticleError.saying("no text after the title; there is nothing to publish in it")
    language, offered = language_by_script("".join(paragraphs), offered)
    metadata = ParsedArticle(
        title=title, language=language, published=published, bylines=bylines, offered=offered
    )
    return build_article(metadata, DocumentBody(_markup(paragraphs)), document, library)


@dataclass(slots=True)
class _HeadParser:
    """Reads the head of a page line by line; `position` is the next line."""

    lines: Sequence[str]
    position: int = 0

    def switch(self) -> tuple[str, ...]:
        self._skip_blanks()
        match = _SWITCH_LINE.fullmatch(self._line())
        if not match or match["word"].casefold() not in SWITCH_LABELS:
            return ()
        self.position += 1
        return languages_named(match["labels"])

    def title(self) -> str:
        self._skip_blanks()
        taken: list[str] = []
        while self._line().strip() and not (taken and self._begins_head()):
            taken.append(self._line())
            self.position += 1
        return join_lines(taken)

    def heads(self) -> tuple[date | datetime | None, tuple[Byline, ...]]:
        """Return the date and the bylines, which may come in any order."""
        published: date | datetime | None = None
        bylines: list[Byline] = []
        while True:
            start = self.position
            self._skip_blanks()
            found = parse_date(self._line()) if published is None else None
            bullet = _BULLET.fullmatch(self._line())
            if found:
                published = found
                self.position += 1
            elif bullet and _is_name(bullet["text"]):
                self.position += 1
                affiliation = self._affiliation(len(bullet["indent"]))
                bylines.append(_byline(bullet["text"], affiliation))
            else:
                self.position = start
                return published, tuple(bylines)

    def _affiliation(self, indent: int) -> str:
        """Return the lines below a name that are indented further than its bullet."""
        start = self.position
        self._skip_blanks()
        taken: list[str] = []
        while _indent(self._line()) > indent and not _BULLET.fullmatch(self._line()):
            taken.append(self._line())
            self.position += 1
        text = join_lines(taken)
        goes_on = self._line().strip() and not self._begins_head()
        if goes_on or not _is_name(text):
            self.position = start
            return ""
        return text

    def _begins_head(self) -> bool:
        return bool(_BULLET.fullmatch(self._line()) or parse_date(self._line()))

    def _line(self) -> str:
        return self.lines[self.position] if self.position < len(self.lines) else ""

    def _skip_blanks(self) -> None:
        while self.position < len(self.lines) and not self._line().strip():
            self.position += 1


def languages_named(labels: str) -> tuple[str, ...]:
    """Return the tags of a language switch in order; unknown labels are left out."""
    words = re.split(r"[\s|/·,，、]+", labels.strip())
    found: list[str] = []
    while words:
        for length in range(min(_MAX_LABEL_WORDS, len(words)), 0, -1):
            tag = _tag_of(" ".join(words[:length]))
            if tag:
                break
        found += [tag] if tag else []
        del words[:length]
    return tuple(dict.fromkeys(found))


def _tag_of(label: str) -> str | None:
    if tag := _labels().get(label.casefold()):
        return tag
    try:
        return normalise(label)
    except LanguageError:
        return None


@cache
def _labels() -> dict[str, str]:
    """Return languages by their names in a switch, in small letters."""
    english = {locale_of("en").languages.get(tag, "").casefold(): tag for tag in _NAMED}
    own = {autonym(tag).casefold(): tag for tag in _NAMED}
    called = {name: tag for tag, names in LANGUAGE_LABELS.items() for name in names.split(",")}
    return english | own | called


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _MAX_BYLINE and not _SENTENCE.search(text)


def _byline(text: str, affiliation: str) -> Byline:
    """Return a byline; an affiliation without a line of its own follows the first comma."""
    name, _comma, rest = text.partition(",")
    if not affiliation and len(rest.split()) > 1:
        return Byline(name=name.strip(), affiliation=rest.strip())
    return Byline(name=text.strip(), affiliation=affiliation or None)


def _indent(line: str) -> int:
    """Return the number of white space characters before a line's text, 0 for an empty line."""
    return len(line) - len(line.lstrip()) if line.strip() else 0


def _without_site_lines(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        label = line.strip(" \t\u3000•*[]()").rstrip(":：… ").casefold()
        if label in RELATED_LABELS and kept:
            break
        if label not in TO_TOP_LABELS:
            kept.append(line)
    return kept


def _paragraphs(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the lines between empty lines joined; each bullet begins a paragraph."""
    groups: list[list[str]] = [[]]
    for line in lines:
        if not line.strip() or _BULLET.fullmatch(line):
            groups.append([])
        if line.strip():
            groups[-1].append(line)
    return tuple(join_lines(group) for group in groups if group)


def _markup(paragraphs: Sequence[str]) -> str:
    return "\n".join(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in paragraphs)
