"""Imports make no circle, and each library has the importers that are written here."""

from functools import cache

import grimp
import pytest

# Whoever replaces one of these libraries reads these modules, and no others.
IMPORTERS = {
    "PIL": {
        "publisher.pictures.icons",
        "publisher.pictures.image_size",
        "publisher.pictures.mail_copies",
        "publisher.pictures.picture_converter",
    },
    "altcha": {"publisher.request_limits"},
    "apscheduler": {"publisher.jobs.local_engine"},
    "argon2": {"publisher.accounts.passwords"},
    "cryptography": {
        "publisher.bounces.providers.signatures",
        "publisher.mail.dkim_key_files",
        "publisher.secrets",
    },
    "authlib": {"publisher.accounts.openid"},
    "joserfc": {"publisher.accounts.openid"},
    "cssselect2": {"publisher.gate.css.computed_style", "publisher.gate.css.stylesheet"},
    "feedgen": {"feeds.xml_builder"},
    "feedparser": {"publisher.polling.feed_reader"},
    "flufl": {"publisher.bounces.report"},
    "jinja2": {
        "publisher.rendering.environment",
        "publisher.rendering.sandbox.worker",
        "publisher.serving.nginx_site",
    },
    "liquid": {
        "publisher.ingest.parsers.markup.liquid",
        "publisher.ingest.parsers.markup.liquid_tags",
    },
    "markdownify": {"publisher.imports.files"},
    "obstore": {"publisher.bucket.client"},
    "opencc": {"publisher.languages.conversion"},
    "gcld3": {"publisher.languages.detection"},
    "premailer": {"publisher.rendering.inlining"},
    "procrastinate": {"publisher.database.dialect.job_queue"},
    "protego": {"publisher.polling.sitemap"},
    "pyotp": {"publisher.accounts.passwords"},
    "resvg_py": {"publisher.pictures.picture_converter"},
    "segno": {"publisher.accounts.passwords"},
    "trafilatura": {"publisher.polling.page_text"},
    "tinytag": {"publisher.ingest.media.duration"},
    "tomlkit": {"publisher.config.toml_edit"},
    "urllib3": {"publisher.fetching.client"},
    "waitress": {"publisher.serving.server"},
    "webauthn": {"publisher.accounts.passkeys"},
    "zxcvbn": {"publisher.accounts.passwords"},
}


@cache
def graph() -> grimp.ImportGraph:
    """Return who imports whom; imports inside functions and for types count."""
    packages = ("publisher", "feeds", "subscribers")
    return grimp.build_graph(*packages, include_external_packages=True, cache_dir=None)


@pytest.mark.parametrize("library", IMPORTERS)
def test_a_library_is_imported_by_its_adapter_only(library: str) -> None:
    assert graph().find_modules_that_directly_import(library) == IMPORTERS[library]


@pytest.mark.parametrize("library", ["flask", "werkzeug"])
def test_only_pages_over_http_import_their_framework(library: str) -> None:
    importers = graph().find_modules_that_directly_import(library)
    assert importers
    others = {name for name in importers if not name.startswith("publisher.web.")}
    # Static files need conditional requests and ranges, and no framework.
    assert others == {"publisher.serving.static_site"} & importers


def test_no_module_imports_itself_by_way_of_others() -> None:
    ours = ("publisher", "feeds", "subscribers")
    left = {
        name: {
            to for to in graph().find_modules_directly_imported_by(name) if to.startswith(ours)
        }
        for name in graph().modules
        if name.startswith(ours)
    }
    # Whatever imports nothing that is left is in no circle.
    while free := {name for name, imported in left.items() if not imported & left.keys()}:
        left = {name: imported for name, imported in left.items() if name not in free}
    assert left == {}
