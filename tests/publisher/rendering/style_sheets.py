"""Style sheets that are hard to inline: one for each thing that may go wrong, and any number more.

Each is the sheet of a whole mail, which has something for every selector.
"""

from __future__ import annotations

import random

BODY = (
    '<div class="w"><h1>T</h1><p class="a">x <a class="b" href="https://example.org/">l</a></p>'
    '<p class="b a" lang="ar">y <em></em></p><p></p></div><table><tr dir="RTL"><td class="a" '
    'align="left">1</td><td class="b">2</td></tr><tr><td id="x" class="a b"><p>q</p></td>'
    '<td class="b" colspan="1">z</td></tr></table><ul><li>i<li class="b">j</ul>'
)
NARROW = "@media (max-width:600px)"
DARK = "@media (prefers-color-scheme:dark)"

# What is between `<style>` and `</style>`; several sheets are written out.
SHEETS = {
    "longhand before shorthand": "td { padding:0; } .a { padding-right:16px; } td.b { padding:4px; }",
    "shorthand before longhand": ".a { border:2px solid red; } td.a { border-left-color:blue; } td { border-top:0; }",
    "font and line-height": "p { line-height:30px; } .a { font:italic 20px/1.5 serif; } p.b { line-height:2; }",
    "important against later": ".a { color:red !important; } p.a { color:blue; } #x { color:green; }",
    "important in capitals": "p.a { color:red; } .a { color:blue ! IMPORTANT; }",
    "attribute selectors": '[dir=rtl] .b { border-left:0; } .b { border-left:3px solid red; } [class~="b"] { color:blue; }',
    "attribute values in any case": "[dir=rtl] td { color:red; } [ALIGN=LEFT] { color:blue; } [class=A] { color:green; }",
    "attribute parts": '[href^="https:"] { color:red; } [class$=a] { margin:1px; } [href*="ample"] { padding:2px; } [lang|=ar] { color:blue; } [colspan] { color:green; }',
    "first, last and only": "p:first-child { margin:0; } td:last-child { color:red; } tr:first-child td { padding:9px; } em:only-child { color:blue; } td:first-child p { margin:5px; }",
    "counting": "td:nth-child(2) { color:red; } p:nth-of-type(2n+1) { margin:1px; } :nth-last-child(odd) { padding:2px; } *:nth-of-type(2) { color:blue; } li:nth-last-of-type(-n + 1) { color:green; }",
    "siblings": "h1 + p { color:red; } .a ~ .a { margin:3px; } tr ~ tr td + td { padding:7px; } h1 > p, h1 ~ p ~ p { color:blue; }",
    "implied table bodies": "table > tr > td { color:red; } table > tbody > tr > td { color:blue; } tbody { background:#eeeeee; } tbody:first-child tr:last-child td { padding:3px; }",
    "choosing": "p:not(.b) { color:red; } :is(.a, #x) { margin:1px; } :where(#x, .b) { padding:2px; } p { padding:3px; } td:not(:first-child, .b) { color:blue; } p:not(.w .b) { color:green; }",
    "languages": ":lang(ar) { letter-spacing:1px; } p:lang(en) { color:red; } :lang('AR') em { color:blue; }",
    "the root and all": ":root { color:#123456; --gap:3px; } * { margin:1px; box-sizing:border-box; } .w * { padding:var(--gap); } html { color:red; }",
    "empty": "p:empty { height:20px; } em:empty { color:red; } td:empty { color:blue; }",
    "fallback pairs": ".a { background:#ffffff; background:linear-gradient(red,blue); width:90px; width:min(50px, 10%); color:red; color:nonsense; }",
    "fallbacks across rules": "p { color:red; } .a { color:nonsense; } p.a { color:oklch(0.5 0.1 20 / 50%); } td { padding:4px; } td.a { padding:8xp; }",
    "values that cssutils drops": ".a { color:#0000001a; background:rgb(1 2 3 / 50%); inset:auto; width:calc(1px + 2em); }",
    "strings and addresses": ".a { font-family:\"Segoe UI\", 'It\\'s', serif; background:url('data:image/png;base64,AA=='); list-style:'</' ; }",
    "hacks": ".a { *zoom:1; _height:1px; color red; color:green; filter:alpha(opacity=50); } <!-- .b { color:red } -->",
    "names in capitals": "P { COLOR:RED; } TD.a { Padding:1PX; }",
    "logical and physical": ".a { margin-left:1px; margin-inline:9px 8px; } td.a { margin-left:2px; padding-inline-start:4px; } td { padding:1px; }",
    "prefixed": ".a { border-radius:1px; -webkit-border-radius:2px; } td { -webkit-border-radius:3px; border-radius:50%; }",
    "keywords": ".w { color:red; border:1px solid; } p { color:unset; border:inherit; margin:initial; } .a { color:revert; display:revert-layer; } p.a { display:inherit; }",
    "variables": ":root { --c:red; } .w { --c:blue; } p { color:var(--c); margin:var(--none, 3px); padding:var(--none); }",
    "media rules win": f"td {{ padding:9px; }} {NARROW} {{ td {{ padding:1px; }} .a {{ padding:2px; }} }}",
    "media rules lose": f"{NARROW} {{ td {{ padding:1px; }} }} td.a {{ padding:9px; }} td {{ padding:8px; }}",
    "media rules between": f"td {{ padding:9px; }} .a {{ padding:7px; }} {NARROW} {{ td {{ padding:1px; }} }} {DARK} {{ #x {{ padding:3px; }} }}",
    "media rules that cross": f".a {{ color:red; }} td {{ color:blue; }} {NARROW} {{ td {{ color:green; }} }} {DARK} {{ .a {{ color:gray; }} }} @media all {{ p {{ color:black; }} }}",
    "media rules and importance": f".a {{ padding:1px !important; }} p {{ padding:2px; }} {NARROW} {{ p {{ padding:3px !important; }} p.a {{ padding:4px; }} .b {{ padding:5px !important; }} }}",
    "shorthands in media rules": f"td {{ padding:9px; border:1px solid red; }} {NARROW} {{ td {{ padding-left:1px; border-color:blue; }} .a {{ padding:0; }} }} td.b {{ padding-left:30px; }}",
    "nested media rules": f"td {{ color:red; }} @media screen {{ {NARROW} {{ td {{ color:blue; }} }} td.b {{ color:green; }} }} @media (width <= 400px) {{ .a {{ color:gray; }} }}",
    "supports": "td { color:red; display:block; } @supports (display:grid) { td { display:grid; } } @supports not (color:red) { td { color:blue; } }",
    "under the pointer": "a { color:red; text-decoration:none; } a:hover { color:blue; text-decoration:underline; } .w:hover p { margin:1px; } p { margin:2px; } .a:hover .b { color:green; } a.b { color:gray; }",
    "links": "a:link { color:red; } a { color:blue; } a:visited { color:green; } :any-link { margin:1px; }",
    "pseudo-elements": "p::before { content:'a'; color:red; } p:first-line { color:blue; } .a:after { content:'</style'; } p { color:green; }".replace(
        "</style", "<\\/style"
    ),
    "marks of mail programs": "[data-ogsc] p { color:#ffffff; } p { color:#000000; } [data-ogsc] .a { color:#eeeeee !important; } p:not([data-ogsc] *) { margin:1px; }",
    "unknown pseudo-classes spoil a rule": ".a, p:-moz-broken { color:red; } .a, p::-webkit-thing { margin:1px; } p { color:blue; margin:2px; }",
    "animation": "p { color:red; animation:k 9s steps(1) infinite; } .a { color:green; } @keyframes k { from, to { color:blue; } } @media all { p { color:gray; } } .b { color:black !important; }",
    "fonts": "@font-face { font-family:F; src:url(https://example.org/f.woff); } p { font-family:F, serif; }",
    "marked though no rule inlines them": "p { color:red; } @media all { .a { color:blue; } } @media all { .a.b { color:green; } }",
    "heard through two selectors": f"p {{ margin:2px; }} .a, .b {{ margin-top:9px; }} {NARROW} {{ .b, .a {{ margin:1px; }} }} .a:nth-of-type(2) {{ margin-top:6px; }}",
    "escapes": ".\\61 { color:red; } td.\\62 , #\\78 { color:blue; } [class='a\\62'] { color:green; }",
    "two sheets": f"p {{ color:red; }} {NARROW} {{ .a {{ color:blue; }} }}</style><style>.a {{ color:green; }} td {{ color:gray; }}",
    "sheets for some media": "p { color:red; }</style><style media='(max-width:600px)'>p { color:blue; } .b { color:green; }</style><style media=print>p { display:none; }</style><style media='ALL'>td { color:red; }",
    "what is no sheet": "p { color:red; }</style><style type='text/less'>p { color:blue; }</style><style type='TEXT/CSS'>.a { color:green; }",
    "kept to the letter": f"p {{ color:red; }} td {{ padding:3px; }}</style><style data-premailer='ignore'>{NARROW} {{ p {{ color:blue !important; }} }} h1 {{ margin:0; }} em {{ color:red; }}",
    "kept, but weaker": ".a { color:red; } #x { padding:1px; }</style><style data-premailer='ignore'>p { color:blue; } td { padding:9px; } .a { color:green; }".replace(
        ".a { color:green; }", ""
    ),
}

BODIES = {
    "own styles": (
        f"p {{ color:red; padding:1px; }} .a {{ padding:2px !important; }} {NARROW} {{ p {{ color:blue; padding:9px; }} .b {{ padding:8px !important; }} }}",
        '<p style="color:green">1</p><p class=a style="padding:5px">2</p><p class="a b" style="padding:6px !important">3</p><div class=b style="padding:7px">4</div><p style="padding:0; padding-left:calc(1px + 1px); color:nonsense">5</p>',
    ),
    "own styles that no rule reaches": (
        f"td {{ color:red; }} {NARROW} {{ td, i {{ color:blue; }} }}",
        '<table><tr><td>1</td></tr></table><i style="color:green">2</i><i>3</i>',
    ),
    "odd own styles": (
        "p { color:red; }",
        "<p style=style>1</p><p style=';;color:blue;;'>2</p><p style='color:{};margin:1px'>3</p><p style=\"font-family:'A;B'\">4</p><p style=''>5</p><p style='@media x{};margin:2px'>6</p><p style='color:blue;}'>7</p>",
    ),
    "sheets in the body": (
        "p:first-child { color:red; } p + p { margin:1px; }",
        "<style>p { padding:2px; }</style><p>1</p>text<style>div p:hover { color:blue; } div p:last-child { color:gray; }</style><p>2</p><div><p class=a>3</p><style>.b{margin:9px}</style></div>",
    ),
    "columns and captions": (
        "col { width:50px; } table > colgroup > col:first-child { width:90px; } caption + colgroup { color:red; } caption ~ tbody td:last-child { color:blue; } tfoot td { color:green; } tr:first-child { height:40px; }",
        "<table><caption>c</caption><col><col><!-- x --><tr><td>1<td>2</tr><!-- y --><tr><td>3<td>4<tfoot><tr><td>5</table>",
    ),
    "presentational attributes": (
        "* { margin:0; } td { padding:3px; } .a { width:auto; }",
        '<table width=300 bgcolor="#ff0000" cellpadding=5><tr><td align=right width=100 class=a>1</td><td bgcolor=blue>2</td></tr></table><img width=10 height=20 alt="" src="https://example.org/x.png">',
    ),
    "breaks within words": (
        "b { color:red; } p > b { margin:1px; } wbr + b { color:blue; }",
        "<p>a<wbr>b<b>c</b>d<wbr><b>e</b></p>",
    ),
    "Outlook's comments": (
        "p { color:red; }",
        "<!--[if mso]><p>a</p><![endif]--><p>b</p><!--[if !mso]><!--><p>c</p><!--<![endif]-->",
    ),
}


def mail(sheet: str, body: str = BODY) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>t</title>\n'
        f"<style>{sheet}</style>\n</head>\n<body>{body}</body></html>"
    )


CASES = {name: mail(sheet) for name, sheet in SHEETS.items()} | {
    name: mail(*case) for name, case in BODIES.items()
}


# --- a family of sheets that nobody thought of

SELECTORS = (
    *("td", ".a", ".b", "p", "a", "td.a", ".a.b", "#x", "#x.a", "div", "p.b", "table"),
    *(".w > p", "tr:first-child", "td:last-child", "[dir=rtl]", "[dir=rtl] .a"),
    *("td[align]", "[align=LEFT]", ".w .a", "body", "a:hover", ".a:hover"),
    *("td:nth-child(2)", "p:not(.a)", ":is(.a, .b)", ":where(.a)", "*", ".w:hover p"),
    *(".a ~ .b", "td + td", "[data-ogsc] .a", "[data-ogsc] p", "h1", "tbody tr", "tbody"),
    *(":root", "h1 + p", "p:first-child", "p:empty", "a[href]", "[class~=b]", "html"),
    *(".b, .a", "td, p, .b:hover", ":lang(ar)", ":lang(en) p", "a:link"),
    *(".a:nth-of-type(2)", "p::before", "p:first-of-type", "td > *", "ul > .b"),
)
DECLARATIONS = {
    "color": "red|blue|#0a0|#123456|rgb(1,2,3)|bogus|inherit|unset|currentcolor|initial",
    "padding": "0|1px|2px 3px|4px 5px 6px 7px|8xp|calc(1px + 2px)|1em",
    "padding-left": "0|11px|12px|bogus|inherit|-1px",
    "padding-inline-start": "21px|22px",
    "margin": "0|1px|auto|-2px 3px",
    "margin-top": "5px|6px|10%",
    "margin-block": "7px|8px 9px",
    "background": "#fff|red|linear-gradient(red,blue)|none|#eee url(data:,y)",
    "background-color": "#111|#222|transparent|rgba(0,0,0,.5)",
    "font": "bold 12px/1.5 serif|italic 20px Arial|caption",
    "font-size": "10px|2em|150%|small|-3px|0",
    "line-height": "1.2|20px|normal|150%",
    "font-family": "Arial|'Segoe UI',sans-serif|Arial,inherit",
    "border": "1px solid red|none|0|thick dotted",
    "border-left": "2px dashed blue|0",
    "border-color": "red|blue green",
    "border-inline-start-width": "9px|thin",
    "width": "100%|50px|auto|min(10px,20px)",
    "inline-size": "70px",
    "max-width": "600px|none|50%",
    "clear": "none|left|both|bogus",
    "text-align": "left|right|start|center",
    "text-decoration": "none|underline|underline dotted red",
    "text-decoration-color": "red",
    "direction": "rtl|ltr",
    "letter-spacing": "1px|normal",
    "border-radius": "5px|1px 2px|50%",
    "-webkit-border-radius": "3px",
    "vertical-align": "top|middle|10%",
    "white-space": "nowrap|pre|normal",
    "text-wrap": "nowrap",
    "word-wrap": "break-word",
    "overflow-wrap": "anywhere",
    "overflow": "hidden|visible",
    "overflow-x": "scroll",
    "--x": "1px|red",
    "height": "var(--x)|10px",
    "list-style": "none|square inside",
    "mso-line-height-rule": "exactly",
}
CONDITIONS = (
    NARROW,
    DARK,
    "@media print",
    "@media screen",
    "@supports (display:grid)",
    "@media only screen and (max-width:400px)",
    "@media not all",
)
ATTRIBUTES = ("", "", "", ' media="all"', " media=print", ' media="(max-width:600px)"')
RANDOM_BODY = BODY.replace("<p", "<p{}").replace("<td", "<td{}").replace("<div", "<div{}")


class Author:
    """Writes mails at random, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.shouting = self.dice.choice((0, 0.1, 0.3))

    def mail(self) -> str:
        sheets = "".join(self._sheet() for _ in range(self.dice.randint(1, 3)))
        count = RANDOM_BODY.count("{}")
        own = [
            f' style="{self._said()}"' if self.dice.random() < 0.2 else "" for _ in range(count)
        ]
        return mail("", RANDOM_BODY.format(*own)).replace("<style></style>", sheets)

    def _sheet(self) -> str:
        attribute = self.dice.choice(ATTRIBUTES)
        rules = (self._group() for _ in range(self.dice.randint(1, 8)))
        return f"<style{attribute}>\n{''.join(rules)}</style>\n"

    def _group(self) -> str:
        if self.dice.random() > 0.3:
            return self._rule()
        inside = "".join(self._rule() for _ in range(self.dice.randint(1, 3)))
        return f"{self.dice.choice(CONDITIONS)} {{ {inside} }}\n"

    def _rule(self) -> str:
        return f"{self.dice.choice(SELECTORS)} {{ {self._said()} }}\n"

    def _said(self) -> str:
        names = self.dice.choices(list(DECLARATIONS), k=self.dice.randint(1, 3))
        return ";".join(
            f"{name}:{self.dice.choice(DECLARATIONS[name].split('|'))}"
            f"{' !important' if self.dice.random() < self.shouting else ''}"
            for name in names
        )
