"""Settings of the design: colours, logo, heading font. `rendering.colours_and_fonts` derives other colours."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, PlainValidator

from publisher.config.values import ConfigTable
from publisher.errors import ArticleError
from publisher.pictures.colours import AA, HEX_COLOUR, WHITE, contrast

_LOGO_FORMATS = frozenset({"png", "jpg", "gif"})
_LOGO_FORMAT_NAMES = "PNG, JPEG or GIF"
# An icon is shown in a square; so much longer may one side be than the other.
_MOST_OFF_SQUARE = 1.1
_MAX_LOGO_BYTES = 200_000  # every mail loads the logo, often over a mobile connection


def _colour(value: str) -> str:
    colour = value.lower()
    if not HEX_COLOUR.fullmatch(colour):
        raise ValueError(f"{value!r} is not a colour; write one with six digits, like #8f2f12")
    return colour


def _accent(value: str) -> str:
    colour = _colour(value)
    ratio = contrast(colour, WHITE)
    if ratio < AA:
        raise ValueError(
            f"{value!r} can't be read on white (contrast {ratio:.1f}:1); choose a darker one, "
            f"of {AA}:1 or more"
        )
    return colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """A picture as it was when settings were read. `target` is its path in the web root, with its hash. Sizes in pixels."""

    path: str
    target: str = ""
    width: int = 0
    height: int = 0
    content: bytes = field(default=b"", repr=False)

    def read(self, root: Path, *, is_icon: bool = False) -> Logo:
        """Return a copy with target, size and content. Raises ValueError: `problem; remedy`."""
        # Importing Pillow takes longer than reading all settings.
        from publisher.pictures.image_size import measure_image

        try:
            content = (root / self.path).read_bytes()
            found = measure_image(content)
        except OSError as error:
            raise ValueError(
                f"{self.path!r} can't be read: {error.strerror}; give a picture's path from here"
            ) from None
        except ArticleError as error:
            raise ValueError(f"{self.path!r} {error}; give a smaller picture") from None
        if found is None or found.suffix not in _LOGO_FORMATS:
            raise ValueError(
                f"{self.path!r} is no picture that pages and mails show; use {_LOGO_FORMAT_NAMES}"
            )
        if len(content) > _MAX_LOGO_BYTES:
            raise ValueError(
                f"{self.path!r} has {len(content)} bytes; stay below {_MAX_LOGO_BYTES}"
            )
        name = hashlib.sha256(content).hexdigest()[:16]
        target = f"media/{name}/logo.{found.suffix}"
        read = replace(
            self, target=target, width=found.width, height=found.height, content=content
        )
        if is_icon and not read.is_square:
            raise ValueError(
                f"{self.path!r} is {found.width} by {found.height} pixels; give a square picture"
            )
        return read

    @property
    def is_square(self) -> bool:
        longer, shorter = max(self.width, self.height), min(self.width, self.height)
        return longer <= _MOST_OFF_SQUARE * shorter


def _logo(value: object) -> Logo:
    if isinstance(value, Logo):
        return value
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f'{value!r} is no picture; write a path from here, like "logo.png"')
    return Logo(path=value)


class DesignSettings(ConfigTable):
    """The table [publication.design]."""

    accent: Annotated[str, AfterValidator(_accent)] = "#8f2f12"
    ground: Annotated[str, AfterValidator(_colour)] = "#f2efe9"
    headings: Literal["serif", "sans"] = "serif"
    # Whose name heads a mail: the publication's or the newsletter's.
    masthead: Literal["name", "newsletter"] = "name"
    # A PNG, JPEG or GIF in the publication's folder. Replaces the title.
    logo: Annotated[Logo, PlainValidator(_logo)] | None = None
    # A square picture for tabs, home screens and feed readers, if the logo is none.
    icon: Annotated[Logo, PlainValidator(_logo)] | None = None

    @property
    def icon_picture(self) -> Logo | None:
        """The picture that icons are made of, None for a letter."""
        if self.icon is not None:
            return self.icon
        return self.logo if self.logo and self.logo.is_square else None
