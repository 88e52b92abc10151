"""The application: turns articles into e-mail digests and feeds, per language, on time, once."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("newsletter-publisher")
except PackageNotFoundError:  # a bare checkout, run in place
    __version__ = "0+checkout"
