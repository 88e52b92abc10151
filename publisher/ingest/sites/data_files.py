"""A site's data files, each under its path without the ending: `people/wu.yml` is `people.wu`.

They are read at once, so that the site's digest has them, and parsed when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from publisher.errors import SourceError
from publisher.ingest.parsers.front_matter import YamlValue, normal_key, plain_value
from publisher.ingest.sites.configuration import ConfigurationFiles


class DataFiles(Mapping[str, Any]):
    """The data files below a folder; a folder in it is a mapping of its own."""

    def __init__(self, files: ConfigurationFiles, folder: str) -> None:
        self._files = files
        self._folder = PurePosixPath(folder)
        self._loaded: dict[str, Any] | None = None
        self._paths = list(files.below(folder, (".yml", ".yaml", ".json", ".toml")))
        for path in self._paths:
            files.text(path)

    def table(self, *names: str) -> Mapping[str, Any]:
        """Return the first of several data files that is a mapping; empty if none is."""
        found = (self[name] for name in names if name in self)
        return next((one for one in found if isinstance(one, Mapping)), {})

    def __getitem__(self, key: str) -> Any:
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, Any]:
        if self._loaded is None:
            self._loaded = {}
            for path in self._paths:
                self._load(self._loaded, path)
        return self._loaded

    def _load(self, into: dict[str, Any], path: str) -> None:
        *folders, name = PurePosixPath(path).relative_to(self._folder).with_suffix("").parts
        try:
            loaded = self._files.data(path)
        except SourceError:
            return  # a broken data file costs the values that it has, which are then reported
        for folder in folders:
            inner = into.setdefault(folder, {})
            if not isinstance(inner, dict):
                return
            into = inner
        into[name] = loaded


def plain_values(values: Mapping[str, Any]) -> dict[str, YamlValue]:
    """Return typed values in the form of front matter, whose scalars are texts as written."""
    return {normal_key(key): plain_value(one) for key, one in values.items()}
