"""publication.toml and the environment, read and validated once at start, as frozen and typed settings."""

from publisher.config.choices import (
    DigestCadence,
    DigestKey,
    InDoubtPolicy,
    LatePolicy,
    MissingPolicy,
)
from publisher.config.delivery import DeliverySettings
from publisher.config.loader import SETTINGS_FILE, load_settings
from publisher.config.newsletters import Edition, Newsletter
from publisher.config.publication import Folders, Publication, Settings
from publisher.config.sources import SourceSettings

__all__ = ["SETTINGS_FILE", "DeliverySettings", "DigestCadence", "DigestKey", "Edition"]
__all__ += ["Folders", "InDoubtPolicy", "LatePolicy", "MissingPolicy", "Newsletter"]
__all__ += ["Publication", "Settings", "SourceSettings", "load_settings"]
