import subprocess
import sys


def test_the_command_prints_its_usage() -> None:
    command = [sys.executable, "-m", "publisher.gate.mail_clients.refresh"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "ARCHIVE" in ended.stderr
