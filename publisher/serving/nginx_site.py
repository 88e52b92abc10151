"""A publication's site as a configuration of nginx: `nginx_site.conf.jinja`, filled from the tables of `headers`.

A console that is reached on this machine only has no host beside the publication's site.
"""

import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from zlib import crc32

from jinja2 import Environment, StrictUndefined

from publisher.config import Settings
from publisher.errors import UsageError
from publisher.serving import headers
from publisher.site.former_addresses import NGINX_RULES
from publisher.urls import GONE_NAME, MISSING_NAME

# Characters with a meaning to nginx, even within quotes.
_UNSAFE = re.compile(r"""["'`$\\{}\x00-\x1f\x7f]""")
_TEMPLATE = Path(__file__).with_name("nginx_site.conf.jinja")


def nginx_config(settings: Settings, root: str | None = None, *, brotli: bool = False) -> str:
    """Return a site, to be included in nginx's http block. Raises UsageError for a path that no configuration can hold.

    `root` is the folder of `public/` on the server, by default that here. `brotli` needs ngx_brotli's static module.
    """
    prefix = _safe("publication.url", f"{unquote(urlsplit(settings.publication.url).path)}/")
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the text is no HTML
    )
    return environment.from_string(_TEMPLATE.read_text("utf-8")).render(
        settings=settings,
        headers=headers,
        prefix=prefix,
        root=_safe("--root", (root or str(settings.folders.public)).rstrip("/")),
        # Unique to the publication, and short: nginx's hash table holds names of about 40 characters.
        variable=f"site_{crc32(f'{settings.publication.host}{prefix}'.encode()):08x}",
        brotli=brotli,
        gone_name=GONE_NAME,
        missing_name=MISSING_NAME,
        redirects=NGINX_RULES,
        escape=re.escape,
        quote=quote,
        urlsplit=urlsplit,
    )


def _safe(name: str, path: str) -> str:
    if not path.startswith("/"):
        raise UsageError(
            f"{name}: {path!r} is not an absolute path; write one like /srv/publication/public"
        )
    unsafe = _UNSAFE.search(path)
    if unsafe:
        raise UsageError(
            f"{name}: {path!r} contains {unsafe[0]!r}, which web servers misread; choose a path without it"
        )
    return path
