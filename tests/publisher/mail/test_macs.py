import hmac
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.mail.macs import Mac

ALGORITHMS = ("sha1", "sha256")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(key=st.binary(max_size=200), text=st.binary(max_size=200))
def test_it_is_the_hmac_of_the_standard_library(
    algorithm: Literal["sha1", "sha256"], key: bytes, text: bytes
) -> None:
    mac = Mac(key, algorithm)
    assert mac.digest(text) == hmac.digest(key, text, algorithm)
    assert mac.digest(text) == mac.digest(text)


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 128])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_keys_of_every_length(algorithm: Literal["sha1", "sha256"], length: int) -> None:
    key = bytes(range(length))
    assert Mac(key, algorithm).digest(b"x") == hmac.digest(key, b"x", algorithm)
