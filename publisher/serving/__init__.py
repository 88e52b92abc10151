"""Serving `public/` over HTTP: our own server, and the same answers as nginx and Caddy text.

`headers` says what an answer says, from a path alone; everything else here follows it. Knows
no database, no article and no template.
"""

from publisher.serving.caddy_site import caddy
from publisher.serving.headers import headers_for
from publisher.serving.nginx_site import nginx
from publisher.serving.process import serve
from publisher.serving.static import StaticSite

__all__ = ["StaticSite", "caddy", "headers_for", "nginx", "serve"]
