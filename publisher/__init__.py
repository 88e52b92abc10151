"""The application: turns articles into e-mail digests and feeds, per language, on time, once."""


def __getattr__(name: str) -> str:
    """Give `__version__` when it is asked for: finding it takes a tenth of a start's time."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("newsletter-publisher")
    except PackageNotFoundError:  # a bare checkout, run in place
        return "0+checkout"
