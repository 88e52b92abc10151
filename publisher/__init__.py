"""The application: turns articles into e-mail digests and feeds, per language, on time, once.

Programs in Python call the functions of `publisher.app`.
"""


def __getattr__(name: str) -> str:
    """Return `__version__`, which is looked up on demand: that takes a tenth of the start."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("newsletter-publisher")
    except PackageNotFoundError:  # a bare checkout, run in place
        return "0+checkout"
