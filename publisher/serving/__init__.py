"""Serve `public/` over HTTP: our own server, and configurations of nginx and Caddy.

All three give the same answers: `headers` has the tables that they follow.
"""

from publisher.serving.caddy_site import caddy_config
from publisher.serving.configuration import dynamic_pattern
from publisher.serving.event_loop import wait_for
from publisher.serving.headers import headers_for
from publisher.serving.nginx_site import nginx_config
from publisher.serving.process import LiveSite, PolledSettings, serve_application, serve_site
from publisher.serving.static_site import StaticSite

__all__ = [
    "LiveSite",
    "PolledSettings",
    "StaticSite",
    "caddy_config",
    "dynamic_pattern",
    "headers_for",
    "nginx_config",
    "serve_application",
    "serve_site",
    "wait_for",
]
