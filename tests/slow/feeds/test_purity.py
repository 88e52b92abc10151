"""The promises of the package: pure, and quick to import."""

import subprocess
import sys


def test_import_of_the_package_loads_no_xml_engine() -> None:
    program = "import sys, feeds; print({'feedgen', 'lxml', 'email.utils'} & set(sys.modules))"

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert run.stdout.strip() == "set()"
