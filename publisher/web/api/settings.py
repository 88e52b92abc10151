"""Operations about publication.toml: all settings to read, and the few that editors change."""

from typing import Annotated

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.settings import list_settings, read_editable_table, save_editable_table
from publisher.web.api.operations import ApiValue, Name, OperationTable
from publisher.web.api.problems import ProblemError, refused_values
from publisher.web.api.requests import ApiRequest

OPERATIONS = OperationTable()


class SettingTables(ApiValue):
    """All settings by table and key, as text, as they count now. Secrets are `***`."""

    tables: dict[str, dict[str, str]]


class EditableSetting(ApiValue):
    """A setting that may be changed, as the file has it; empty if it has none."""

    value: str
    choices: list[str] = Field(description="If only these may be.")


class EditableSettings(ApiValue):
    """What may be changed of a table, by key; a title has one for each language."""

    revision: str = Field(description="Of the whole file; the ETag begins with it.")
    settings: dict[str, EditableSetting]


@OPERATIONS.add("GET /settings", Permission.CHANGE_SETTINGS)
def _list_settings(request: ApiRequest) -> SettingTables:
    """List all settings as they count now."""
    found = list_settings(request.state.settings)
    return SettingTables(tables={name: dict(lines) for name, lines in found})


@OPERATIONS.add("GET /settings/<table>", Permission.CHANGE_SETTINGS, tagged=True)
def _read_settings(request: ApiRequest, table: str) -> EditableSettings:
    """Read what may be changed of a newsletter, or of the `publication`."""
    found = read_editable_table(request.state, table)
    fields = {field.name: field for field in found.fields}
    return EditableSettings.of(revision=found.content_hash, settings=fields)


@OPERATIONS.add(
    "PATCH /settings/<table>", Permission.CHANGE_SETTINGS, tagged=True, guarded=True
)
def _change_settings(
    request: ApiRequest,
    table: str,
    *,
    settings: Annotated[
        dict[Name, Annotated[str, Field(max_length=500)]],
        Field(description="By key; what is not named stays. An empty one removes the key."),
    ],
) -> EditableSettings:
    """Change titles, and when and how issues are made."""
    found = read_editable_table(request.state, table)
    request.require_revision(found.content_hash)
    if unknown := sorted({*settings} - {field.name for field in found.fields}):
        raise ProblemError(422, f"{unknown[0]}: no key of this table that may be changed here")
    with refused_values():
        request.call(save_editable_table, table, settings, request.revision)
    return _read_settings(request, table)
