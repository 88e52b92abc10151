"""The settings of a long-running program, read again when a file is edited. After a mistake, which is logged once, the old ones stay."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from time import sleep
from typing import Any

from publisher.clock import SystemTimer, Timer
from publisher.config.delivery import resolve_file
from publisher.config.loader import PEOPLE_FILE, SETTINGS_FILE, load_settings, parse_toml
from publisher.config.publication import Settings
from publisher.config.setting_keys import changed_keys
from publisher.errors import ConfigError
from publisher.log import log

# Seconds. A file changed so recently may change again without another time or size.
_FRESH = 2.0
# Seconds between two readings of a fresh file, which its writer may not have finished; their number.
_PAUSE, _LOOKS = 0.1, 50

# Inode, size in bytes, times of change in nanoseconds; None for no file.
_Signature = tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """New settings, the keys that differ, and the named files whose content does."""

    settings: Settings
    keys: tuple[str, ...]
    files: tuple[str, ...]


# Makes what depends on new settings; its ConfigError keeps the old ones.
Prepare = Callable[[SettingsChange], None]


def _use(_change: SettingsChange) -> None:
    """Use any settings that can be loaded."""


@dataclass(frozen=True, slots=True)
class _FileState:
    """A file's signature and hash, None for none. `settled`: an equal signature means equal content."""

    signature: _Signature
    content_hash: str | None
    settled: bool


class SettingsFile:
    """The settings in use, and the file that they come from."""

    def __init__(self, settings: Settings, timer: Timer | None = None) -> None:
        """`settings` are in use. What they have from the environment stays."""
        self._settings = settings
        self._timer = timer or SystemTimer()
        self._path = settings.folders.root / SETTINGS_FILE
        self._document: dict[str, Any] | None = None
        self._states: Mapping[Path, _FileState] = {}

    def poll(self, prepare: Prepare = _use) -> SettingsChange | None:
        """Return what changed since the last look, prepared and in use now. Raise ConfigError for a mistake until it is mended."""
        if self._states and all(
            state.settled and _signature(path) == state.signature
            for path, state in self._states.items()
        ):
            return None
        states = {path: self._state(path) for path in (self._path, *self._states)}
        if self._states and not _differing(self._states, states):
            self._states = states
            return None
        return self._load(states, prepare)

    def content_hash(self) -> str | None:
        return self._state(self._path).content_hash

    def _load(self, states: Mapping[Path, _FileState], prepare: Prepare) -> SettingsChange:
        content = _read(self._path)
        if not states[self._path].settled:
            content = _finished(self._path, content)
        folder = self._path.parent
        people = folder / PEOPLE_FILE
        if people in states and people.is_file() and not states[people].settled:
            _finished(people, _read(people))
        settings = load_settings(folder, {}, content)
        document = parse_toml(self._path, content)
        known = document if self._document is None else self._document
        named = (people, *_named_files(document, folder))
        used = {path: states.get(path) or self._state(path) for path in (self._path, *named)}
        change = SettingsChange(
            settings.with_environment_of(self._settings),
            tuple(changed_keys(known, document)),
            tuple(
                os.path.relpath(path, self._path.parent)
                for path in _differing(self._states, states)
                if path != self._path
            ),
        )
        prepare(change)
        self._settings, self._document, self._states = change.settings, document, used
        return change

    def _state(self, path: Path) -> _FileState:
        # Before the content: the next poll notices a change in between.
        signature = _signature(path)
        if signature is None:
            return _FileState(None, None, settled=True)
        try:
            content_hash = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            content_hash = None
        age = self._timer.time() - max(signature[2:]) / 10**9
        return _FileState(signature, content_hash, settled=age > _FRESH)


class ReloadedSettings:
    """The settings of the file, or the last valid ones. Several threads may share it."""

    def __init__(self, settings: Settings, prepare: Prepare = _use) -> None:
        self._settings = settings
        self._prepare = prepare
        self._file = SettingsFile(settings)
        self._lock = Lock()
        self._problem = ""
        self._logged: tuple[str, str | None] | None = None

    @property
    def problem(self) -> str:
        return self._problem

    def current(self) -> Settings:
        with self._lock:
            try:
                if change := self._file.poll(self._prepare):
                    self._settings = change.settings
                    if change.keys or change.files:
                        files = list(change.files)
                        log.info("settings changed", keys=list(change.keys), files=files)
            except ConfigError as error:
                self._keep(error)
            else:
                if self._problem:
                    log.info("settings are valid again")
                self._problem, self._logged = "", None
            return self._settings

    def _keep(self, error: ConfigError) -> None:
        self._problem = f"{error}; the previous settings stay in use"
        mistake = (self._problem, self._file.content_hash())
        if mistake != self._logged:
            self._logged = mistake
            log.error(
                "edited settings are wrong; the previous ones stay in use", reason=str(error)
            )


# Seconds for which an edit of the settings goes unnoticed by pages at most: as long as the service takes.
_POLL_SECONDS = 15.0


class PolledSettings:
    """The settings of the moment. A thread looks at the file: requests never wait for one that is still being written."""

    def __init__(self, settings: Settings, seconds: float = _POLL_SECONDS) -> None:
        self._live = ReloadedSettings(settings)
        self._seconds = seconds
        self._settings = settings
        self._closed = Event()
        Thread(target=self._look_on, name="settings", daemon=True).start()

    def current(self) -> Settings:
        return self._settings

    def close(self) -> None:
        self._closed.set()

    def _look_on(self) -> None:
        while True:
            try:
                self._settings = self._live.current()
            except Exception:
                log.exception("the settings could not be looked at")
            if self._closed.wait(self._seconds):
                return


def _differing(old: Mapping[Path, _FileState], new: Mapping[Path, _FileState]) -> list[Path]:
    return [path for path in old if old[path].content_hash != new[path].content_hash]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        remedy = "put it back, or end the program"
        raise ConfigError(str(path), "", "the file is gone", remedy) from None
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
        raise ConfigError(str(path), "", problem, "let this user read it") from None


def _finished(path: Path, content: bytes) -> bytes:
    """Return the content once it stays the same: half a file may be valid, and lack a source."""
    for _look in range(_LOOKS):
        sleep(_PAUSE)
        before, content = content, _read(path)
        if content == before:
            return content
    raise ConfigError(str(path), "", "is still being written", "finish it")


def _signature(path: Path) -> _Signature:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _named_files(value: Any, folder: Path) -> Iterator[Path]:
    if isinstance(value, str):
        path = resolve_file(folder, value)
        if os.path.isfile(path):  # noqa: PTH113  # Path.is_file raises for some names
            yield path
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _named_files(inner, folder)
