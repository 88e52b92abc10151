"""Write the icon of the site: the design's picture, or a letter on the accent colour, as SVG, and as PNG where Pillow's font has it."""

from collections.abc import Iterator

from publisher import urls, web_files
from publisher.config import Publication, Settings
from publisher.database import Database
from publisher.files import write_if_changed

ICONS = "icons"  # in the build cache
_VERSION = 1  # goes up when equal settings make other icons
# Pixels of a side, by path; /favicon.ico is of some sizes.
_SIDES = {urls.icon_path(): 192, urls.HOME_SCREEN_ICON: 180}
_SMALL_SIDES = (16, 32, 48)
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
    '<rect width="64" height="64" fill="{colour}"/><text x="32" y="34" fill="#fff" font-size="40" '
    'font-family="Georgia,serif" text-anchor="middle" dominant-baseline="central">{letter}</text></svg>\n'
)


def write_icons(settings: Settings, database: Database) -> None:
    publication, public = settings.publication, settings.folders.public
    design, language = publication.design, publication.default_language
    title = publication.title(language)
    current = web_files.hash_inputs(_VERSION, design.icon_picture, design.accent, title)
    with database.reading() as connection:
        if web_files.cached_hash(connection, ICONS) == current:
            return
    for path, content in _icons(publication, title):
        write_if_changed(public / path, content)
    with database.writing() as connection:
        web_files.store_hash(connection, ICONS, current)


def _icons(publication: Publication, title: str) -> Iterator[tuple[str, bytes]]:
    from publisher.pictures.icons import ico_file, letter_picture, square_png  # with Pillow

    design = publication.design
    if design.icon_picture:
        picture = design.icon_picture.content
    else:
        letter = next((one for one in title if one.isalnum()), "").upper()
        yield urls.LETTER_ICON, _SVG.format(colour=design.accent, letter=letter).encode()
        picture = letter_picture(design.accent, letter, max(_SIDES.values()))
    for path, side in _SIDES.items():
        yield path, square_png(picture, side)
    yield urls.FAVICON, ico_file(picture, _SMALL_SIDES)
