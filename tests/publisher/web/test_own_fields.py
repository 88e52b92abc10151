"""Fields of a publication's own: imported, exported, shown, changed by the subscriber, and erased with her."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from publisher.app.editing_state import find_terminal_actor
from publisher.app.subscribers import lists, records
from publisher.app.subscribers.actions import read_subscriber
from publisher.config import load_settings
from publisher.errors import ConfigError
from publisher.mail.signed_addresses import sign_link
from publisher.testing import SECRET
from subscribers.lists.import_export import ImportReport
from subscribers.model import Subscriber
from subscribers.store import known_subscriber
from subscribers.tables import subscriber
from tests.publisher.conftest import Make, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import erase

ANN = "ann@example.org"
PATH = f"/en/preferences/?t={sign_link(SECRET, 'preferences', 1)}"
FIELDS = """
[[subscribers.field]]
name = "city"
label = { en = "Town", ar = "المدينة" }
shown = true
editable = true

[[subscribers.field]]
name = "shoe-size"
type = "number"
label = "Shoe size"
shown = true

[[subscribers.field]]
name = "member-since"
type = "date"
label = "Member since"

[[subscribers.field]]
name = "plan"
type = "choice"
choices = ["Basic", "Full"]
label = "Plan"
shown = true
editable = true

[[subscribers.field]]
name = "donor"
type = "yes/no"
label = "Donor"
shown = true
editable = true
"""
LIST = (
    "email,city,Shoe Size,member_since,plan,donor\n"
    f"{ANN},Hong  Kong,38.50,2020-02-29,full,TRUE\n"
    "bob@example.org,,thirty,2020-02-29,,\n"
    "cyd@example.org,,,2020-02-30,,\n"
    "dan@example.org,,,,Gold,\n"
    "eve@example.org,,,,,maybe\n"
    f"fay@example.org,{'x' * 501},,,,\n"
)
VALUES = {
    "city": "Hong Kong",
    "shoe-size": "38.5",
    "member-since": "2020-02-29",
    "plan": "Full",
    "donor": "yes",
}


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    made = new_publication()
    with (made.settings.folders.root / "publication.toml").open("a", encoding="utf-8") as file:
        file.write(FIELDS)
    read = load_settings(made.settings.folders.root, {"PUBLISHER_SECRET": SECRET})
    return replace(made, settings=replace(made.settings, subscribers=read.subscribers))


def imported(publication: PublicationFolder, text: str = LIST) -> ImportReport:
    state = editing_state(publication)
    rows = [line.encode() for line in text.splitlines(keepends=True)]
    return lists.import_list(state, find_terminal_actor(state, None), rows)


def ann(publication: PublicationFolder) -> Subscriber:
    with publication.database.reading() as connection:
        return known_subscriber(connection, ANN)


def test_a_list_with_fields_is_checked_imported_and_exported(
    publication: PublicationFolder,
) -> None:
    state = editing_state(publication)
    actor = find_terminal_actor(state, None)
    rows = [line.encode() for line in LIST.splitlines(keepends=True)]
    report = lists.preview_list(state, actor, rows)
    assert [(bad.line, bad.column) for bad in report.bad] == [
        (3, "shoe-size"),
        (4, "member-since"),
        (5, "plan"),
        (6, "donor"),
        (7, "city"),
    ]
    assert publication.rows(subscriber) == []
    assert imported(publication).added == 1
    assert ann(publication).fields == VALUES
    # A field that the list has not stays; an empty cell removes one.
    assert imported(publication, f"email,city\n{ANN},\n").updated == 1
    assert ann(publication).fields == {k: v for k, v in VALUES.items() if k != "city"}
    assert imported(publication, f"email,donor\n{ANN},yes\n").unchanged == 1
    imported(publication)
    out = StringIO(newline="")
    records.export_subscribers(publication.settings, publication.database, out)
    header, row = out.getvalue().splitlines()
    assert header.endswith(",city,shoe-size,member-since,plan,donor")
    assert row.endswith(",Hong Kong,38.5,2020-02-29,Full,yes")
    assert imported(publication, out.getvalue()).unchanged == 1


def test_a_subscriber_sees_and_changes_what_she_may(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    imported(publication)
    page = client.get(PATH).text
    assert 'name="field-city" type="text" value="Hong Kong"' in page
    assert '<option value="Full" selected>' in page
    assert "Shoe size</bdi>: " in page
    assert 'name="field-shoe-size"' not in page
    assert "Member since" not in page
    assert "المدينة" in client.get(PATH.replace("/en/", "/ar/")).text
    form = {"action": "save", "language-1": "en", "newsletters": "weekly"}
    entered = {"field-city": "Kowloon", "field-shoe-size": "50", "field-plan": ""}
    assert client.post(PATH, data=form | entered).status_code == 303
    expected = VALUES | {"city": "Kowloon", "donor": "no"}
    del expected["plan"]
    assert ann(publication).fields == expected
    answer = client.post(PATH, data=form | {"field-plan": "Gold", "field-city": "Macau"})
    assert (answer.status_code, '<a href="#field-plan">' in answer.text) == (422, True)
    assert 'value="Macau"' in answer.text
    assert ann(publication).fields == expected


def test_fields_are_in_her_data_and_erased_with_her(publication: PublicationFolder) -> None:
    imported(publication)
    settings, database = publication.settings, publication.database
    data = json.loads(records.read_own_data(settings, database, ANN))
    assert data["subscriber"]["fields"] == VALUES
    state = editing_state(publication)
    assert read_subscriber(state, find_terminal_actor(state, None), 1).fields == VALUES
    erase(database, ANN)
    assert publication.rows(subscriber) == []


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('name = "status"\nlabel = "A"', "has a meaning in lists of subscribers"),
        ('name = "opted-out"\nlabel = "A"', "has a meaning in lists of subscribers"),
        ('name = "a"\ntype = "choice"\nlabel = "A"', "has choices if its type"),
        ('name = "a"\nchoices = ["b"]\nlabel = "A"', "has choices if its type"),
        ('name = "a"\neditable = true\nlabel = "A"', "nobody can change what is not shown"),
        ('name = "city"\nlabel = "A"', "two are named 'city'"),
        ('name = "a"\ntype = "float"\nlabel = "A"', "'float' won't do"),
    ],
)
def test_a_field_that_can_not_be_is_refused(
    publication: PublicationFolder, tmp_path: Path, table: str, why: str
) -> None:
    text = (publication.settings.folders.root / "publication.toml").read_text("utf-8")
    content = f"{text}\n[[subscribers.field]]\n{table}\n".encode()
    with pytest.raises(ConfigError, match=why):
        load_settings(tmp_path, {}, content)
