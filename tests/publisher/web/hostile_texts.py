"""Texts that would do something if a page, a mail, a feed or a log took them for more than text.

Each has a mark, by which what became of it is found.
"""

from itertools import product

MARK = "zqx"

_SCRIPTS = (
    "<script>{}</script>",
    "<script src=//{}.example></script>",
    "</script><script>{}</script>",
    "</title><script>{}</script>",
    "</textarea><script>{}</script>",
    "</style><script>{}</script>",
    "--><script>{}</script>",
    "]]><script>{}</script>",
    "<img src=x onerror={}>",
    "<svg onload={}>",
    "<svg><script>{}</script></svg>",
    "<svg><animate onbegin={} attributeName=x>",
    "<math><mtext></mtext><img src=x onerror={}>",
    "<body onload={}>",
    "<iframe srcdoc='<script>{}</script>'>",
    "<iframe src=javascript:{}>",
    "<object data=javascript:{}>",
    "<embed src=javascript:{}>",
    "<a href=javascript:{}>x</a>",
    "<form action=javascript:{}><button>x</button></form>",
    "<base href=//{}.example/>",
    "<link rel=stylesheet href=//{}.example>",
    "<meta http-equiv=refresh content=0;url=//{}.example>",
    "<style>@import '//{}.example'</style>",
    "<details open ontoggle={}>",
    "<video><source onerror={}>",
    "<input autofocus onfocus={}>",
    "<noscript><p title='</noscript><img src=x onerror={}>'>",
    "<template><script>{}</script></template>",
    "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>{}</x:script>",
)
_BREAKS = ("", '"', "'", '">', "'>", "` ")
_CODE = (
    "{{{{7*7}}}}{}",
    "{{% for x in [1] %}}{}{{% endfor %}}",
    "{{{{ ''.__class__.__mro__ }}}}{}",
    "{{# {} #}}",
    "<%= 7*7 %>{}",
    "${{7*7}}{}",
    "#{{7*7}}{}",
    "%(name)s{}",
    "{{0.__class__}}{}",
    "[[{}]]",
    "{{{{publication.url}}}}{}",
)
_FIELDS = (
    "{}\r\nBcc: eve@example.org",
    "{}\nSubject: other",
    "{}\rX-Eve: 1",
    "{}\u2028X-Eve: 1",
    "{}\u2029X-Eve: 1",
    "{}\u0085X-Eve: 1",
    "{}\x0bX-Eve: 1",
    "{}\r\n\r\n<script>1</script>",
    "=?utf-8?q?=0D=0ABcc=3A_eve?= {}",
    "{}\x1b[2J",
    "{}\u202egnp.exe",
    "=cmd|' /C calc'!A0{}",
    "+1+1{}",
    "@SUM(1){}",
    '{}", "actor": "eve',
)

HOSTILE_TEXTS: tuple[str, ...] = (
    *(f"{start}{text.format(MARK)}" for text, start in product(_SCRIPTS, _BREAKS)),
    *(text.format(MARK) for text in (*_CODE, *_FIELDS)),
)
