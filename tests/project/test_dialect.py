"""Only `publisher.database.dialect` and the migrations know which databases there are."""

import re

from tests.project.modules import ROOT, product_modules

# Migrations run on what is there.
KNOWING = ("publisher/database/dialect/", "publisher/database/migrations/")
# Names of databases and drivers, and functions, statements and options that only one of them has.
ONE_DATABASE_ONLY = re.compile(
    r"sqlite|postgres|psycopg|json_each|json_extract|jsonb|\bpragma\b|likelihood|\browid\b"
    r"|insert or (ignore|replace)|advisory|\bunnest\b|func\.(strftime|julianday)"
    r"|func\.(max|min)\([^()]*,|set_config",
    re.IGNORECASE,
)


def test_one_package_names_databases_and_what_only_one_of_them_has() -> None:
    assert len(product_modules()) > 200
    found = {
        f"{module.path}: {line.strip()}"
        for module in product_modules()
        if not str(module.path).startswith(KNOWING) and ONE_DATABASE_ONLY.search(module.text)
        for line in module.text.splitlines()
        if ONE_DATABASE_ONLY.search(line)
    }
    assert found == set()


def test_the_package_of_dialects_is_searched_for_the_right_words() -> None:
    for name in ("sqlite", "postgresql", "sql"):
        text = (ROOT / f"publisher/database/dialect/{name}.py").read_text("utf-8")
        assert ONE_DATABASE_ONLY.search(text)
