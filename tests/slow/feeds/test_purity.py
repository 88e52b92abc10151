"""Importing the package is fast."""

import subprocess
import sys


def test_importing_feeds_loads_no_xml_library() -> None:
    program = "import sys, feeds; print({'feedgen', 'lxml', 'email.utils'} & set(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"
